"""`bench init`: a step file to begin with, small, commented, and raced as it stands."""

from pathlib import Path

from bench.cli import console, session
from bench.cli.options import Init
from impls.contract.setting import SettingError

TEMPLATE = Path(__file__).with_name("step_template.txt")
NAME_IN_TEMPLATE = "my_step.py"


def init(typed: Init) -> None:
    """Writes the file, and prints the two commands to type next."""
    with session.refusals():
        write(typed.file)
    check, run = (f"python -m bench {verb} {typed.file.as_posix()}" for verb in ("check", "run"))
    if typed.json_:
        console.print_json({"format": 1, "file": typed.file.as_posix(), "next": [check, run]})
    else:
        terminal = console.console()
        terminal.print(f"{typed.file} is a small step that runs as it stands; put yours in its place. Then:\n")
        terminal.print(f"    {check}\n    {run}", markup=False, soft_wrap=True)


def write(file: Path) -> None:
    """Writes the template to a file. Raises SettingError where there is one, or where no Python module can be."""
    if file.suffix != ".py":
        raise SettingError(
            f"{file}: a step is a Python file, so its name ends in .py: python -m bench init {file.with_suffix('.py')}"
        )
    text = TEMPLATE.read_text(encoding="utf-8").replace(NAME_IN_TEMPLATE, file.as_posix())
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise SettingError(f"{file} exists and is left as it is: give another name, or remove it first.") from None
    except OSError as error:
        raise SettingError(f"{file} cannot be written: {error.strerror}.") from error
