"""Samples of stacks as a flame graph, as speedscope's JSON, and as folded lines."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

WIDTH, ROW, LETTER = 1200, 17, 6.6  # pixels: of the figure, of one function, of one character
NARROWEST = 0.001  # share of the samples below which a function is not drawn
OWN, TORCH, OTHER = "#f6a04d", "#e8705a", "#b8b4d8"
COLOURS = {"the implementation": OWN, "PyTorch": TORCH, "all others": OTHER}

STYLE = """
text { font: 11px ui-monospace, monospace; fill: #111; }
.title { font: 14px system-ui, sans-serif; fill: #111; }
rect { stroke: #fff; stroke-width: 0.5; }
.paper { fill: #fff; }
@media (prefers-color-scheme: dark) { .title { fill: #eee; } rect { stroke: #16181d; } .paper { fill: #16181d; } }
"""


@dataclass
class _Call:
    """A function at one place of the call tree, and the samples in it or in what it called."""

    name: str
    samples: int = 0
    calls: dict[str, "_Call"] = field(default_factory=dict)


def folded(stacks: Mapping[str, int]) -> str:
    """One line for each stack, as flamegraph.pl and similar programs read it."""
    return "".join(f"{stack} {count}\n" for stack, count in stacks.items())


def speedscope(stacks: Mapping[str, int], name: str) -> str:
    """A document for https://www.speedscope.app, which also runs offline."""
    frames = sorted({frame for stack in stacks for frame in stack.split(";")})
    numbers = {frame: number for number, frame in enumerate(frames)}
    document = {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "exporter": "looprace",
        "name": name,
        "shared": {"frames": [_frame(frame) for frame in frames]},
        "profiles": [
            {
                "type": "sampled",
                "name": name,
                "unit": "none",
                "startValue": 0,
                "endValue": sum(stacks.values()),
                "samples": [[numbers[frame] for frame in stack.split(";")] for stack in stacks],
                "weights": list(stacks.values()),
            }
        ],
    }
    return json.dumps(document, separators=(",", ":")) + "\n"


def _frame(frame: str) -> dict[str, str | int]:
    match = re.fullmatch(r"(?P<name>.*) \((?P<file>[^()]*):(?P<line>\d+)\)", frame)
    return {"name": match["name"], "file": match["file"], "line": int(match["line"])} if match else {"name": frame}


def svg(stacks: Mapping[str, int], title: str) -> str:
    """A flame graph: below each function those that it called, as wide as their share of the samples; the arm is on top."""
    root = _Call("all samples", sum(stacks.values()))
    for stack, count in stacks.items():
        call = root
        for name in stack.split(";"):
            call = call.calls.setdefault(name, _Call(name))
            call.samples += count
    boxes = list(_boxes(root, 0, 0.0, root.samples))
    height = 34 + ROW * (1 + max(depth for depth, _, _ in boxes))
    heading = f"{title}: {root.samples} samples of the Python functions that the host is in"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            f"<title>{escape(heading)}</title><style>{STYLE}</style>",
            f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
            f'<text class="title" x="4" y="18">{escape(heading)}</text>',
            f'<text class="title" x="{WIDTH - 4}" y="18" text-anchor="end">',
            *(f'<tspan fill="{colour}">■</tspan> {origin}&#160; ' for origin, colour in COLOURS.items()),
            "</text>",
            *(_box(depth, left, call, root.samples) for depth, left, call in boxes),
            "</svg>\n",
        ]
    )


def _boxes(call: _Call, depth: int, left: float, total: int) -> Iterator[tuple[int, float, _Call]]:
    yield depth, left, call
    for callee in sorted(call.calls.values(), key=lambda callee: callee.name):
        if callee.samples >= NARROWEST * total:
            yield from _boxes(callee, depth + 1, left, total)
        left += callee.samples / total


def _box(depth: int, left: float, call: _Call, total: int) -> str:
    x, y, width = left * WIDTH, 28 + depth * ROW, call.samples / total * WIDTH
    colour = OWN if "(impls/" in call.name else TORCH if "(torch/" in call.name else OTHER
    room = int((width - 4) / LETTER)
    text = call.name if len(call.name) <= room else f"{call.name[: room - 1]}…" if room > 3 else ""
    return (
        f'<g><title>{escape(call.name)}: {call.samples / total:.1%}</title><rect x="{x:.1f}" y="{y}" '
        f'width="{width:.1f}" height="{ROW - 1}" fill="{colour}"/>'
        + (f'<text x="{x + 2:.1f}" y="{y + 12}">{escape(text)}</text>' if text else "")
        + "</g>"
    )
