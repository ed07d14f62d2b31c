"""Writes the script that shows a program compiled wrongly, with nothing but torch. Loads torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any

import torch
from torch import Tensor

from bench.diagnosis.minimise import Trial
from bench.diagnosis.program import FEW, SEED, Program

SCRIPT = '''"""torch {version} compiles these operations wrongly: looprace found it in {found}.

Exit status: 1 while it does, 0 once it does not.
"""

{imports}


{function}

torch.manual_seed({seed})
{inputs}
with torch.no_grad():
    {before}plain = f({names})
    {before}compiled = torch.compile(f{options})({names})
difference = ((compiled - plain).norm() / plain.norm()).item()
print(f"as it is written  {{plain.flatten()[:4].tolist()}}")
print(f"compiled          {{compiled.flatten()[:4].tolist()}}")
print(f"the difference is {{difference:.3g}} of its size")
raise SystemExit(not difference < 1e-6)
'''


LETTERS = ascii_lowercase.replace("f", "")  # f is the function


@dataclass(frozen=True)
class Script:
    """A script that needs nothing of looprace, and the tensors that it reads from a file beside it; None for no file."""

    text: str
    tensors: Mapping[str, Tensor] | None = None


def written(program: Program, values: Mapping[str, Any], trial: Trial, found: str) -> Script:
    """The script of a minimal program. Its inputs are drawn where it is still wrong then, else kept in a file.

    found  where looprace met it: "whole_graph of steps/conv_net"
    """
    names = [*program.inputs, *(one.name for one in program.operations)]
    letters = dict(zip(names, LETTERS, strict=False)) if len(names) <= len(LETTERS) else {}
    program, values = program.renamed(letters), {letters.get(name, name): values[name] for name in names}
    short = trial.is_wrong(program, values, short=True)
    lines = {name: _drawn(values[name]) for name in program.inputs}
    drawn = _made(lines)
    tensors = None
    if not trial.is_wrong(program, drawn, short=short):
        tensors = {name: values[name].contiguous() for name in program.inputs if isinstance(values[name], Tensor)}
        lines = {name: f'kept["{name}"]' if name in tensors else repr(values[name]) for name in program.inputs}
    options = [f'backend="{trial.backend}"'] if trial.backend != "inductor" else []
    if program.draws and trial.backend == "inductor":
        options.append('options={"fallback_random": True}')
    function = program.code(short=short)
    inputs = [f"{name} = {line}" for name, line in lines.items()]
    if tensors is not None:
        inputs.insert(0, 'kept = load_file(Path(__file__).with_suffix(".safetensors"))')
    text = SCRIPT.format(
        version=torch.__version__.partition("+")[0],
        found=found,
        imports=("import operator\n\n" if "operator." in function else "") + (KEPT if tensors else "import torch"),
        function=function,
        seed=SEED,
        inputs="\n".join(inputs),
        names=", ".join(program.inputs),
        before=f"torch.manual_seed({SEED + 1})\n    " if program.draws else "",
        options=", ".join(["", *options]),
    )
    return Script(text, tensors)


KEPT = "from pathlib import Path\n\nimport torch\nfrom safetensors.torch import load_file"


def _drawn(value: Any) -> str:
    """An expression for an input of the same kind: a few numbers as they are, else random ones."""
    if not isinstance(value, Tensor):
        return repr(value)
    place = f", device={str(value.device)!r}" if value.device.type != "cpu" else ""
    shape = ", ".join(map(str, value.shape))
    if value.numel() <= FEW and bool(value.isfinite().all()):
        return f"torch.tensor({value.tolist()}, dtype={value.dtype}{place})"
    if value.is_floating_point():
        return f"torch.randn({shape}, dtype={value.dtype}{place})"
    if value.dtype == torch.bool:
        return f"torch.rand({shape}{place}) < 0.5"
    low, high = int(value.min()), int(value.max()) + 1
    return f"torch.randint({low}, {high}, ({shape},), dtype={value.dtype}{place})"


def _made(lines: Mapping[str, str]) -> dict[str, Any]:
    """What the script's own lines make."""
    torch.manual_seed(SEED)
    space: dict[str, Any] = {"torch": torch}
    return {name: eval(line, space) for name, line in lines.items()}  # noqa: S307 - this project's own lines
