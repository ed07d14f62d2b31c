"""Records in which every string is hostile: what a report is fed to see that it shows them as text, and as nothing else."""

from typing import Any

from msgspec.structs import replace

from bench.results.examined import Applicable, Examined
from bench.results.record import Answer, Arm, Caveat, Compiler, Job, Judgement, Record
from reports.run.report import RunReport, report_of
from tests.reports.records import MANUAL, plan, race, record, rounds
from tests.reports.steps import PLAIN, answered, reported

TEXTS = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(2)><b>bold</b>",
    "end of script": "</script></style></title></pre><script>alert(3)</script>",
    "quotes": "\" onmouseover=\"alert(4)\" ' onfocus='alert(5)' `",
    "template": "{{ 7 * 7 }}{% for x in y %}{# no #}${7}",
    "address": "javascript:alert(6)",
    "path": "../../../etc/passwd",
    "entities": "&lt;i&gt; &amp;amp; &#60;u&#62; <!-- no --> <![CDATA[no]]>",
    "escapes": "\x1b[31mred\x1b[0m\x07\x08 \x9b2J",
    "right to left": "safe\u202egnp.exe\u202c \u2066isolated\u2069 \u200fmark",
    "formula": '=HYPERLINK("http://nowhere.invalid","click")',
    "dollars": r"$x_1$ \frac{1}{2} ${HOME} %s %(name)s {0}",
    "emoji": "\N{RACING CAR} na\N{COMBINING DIAERESIS}ive \N{CJK UNIFIED IDEOGRAPH-4E2D}",
    "long": "word " * 200,
    "unbroken": "x" * 1000,
    "empty": "",
}


def hostile(text: str) -> RunReport:
    """The report of a race whose every string is the text, in several states."""
    named = Arm(workload=text, implementation=text, setting=MANUAL.setting)
    reference = replace(named, implementation=f"{text}1", role="reference")
    twin = replace(reference, role="twin")
    failed = replace(named, implementation=f"{text}2")
    wrong = replace(named, implementation=f"{text}3")
    lost = Judgement(when=text, updates=1, loss=None, distance=None, tolerance=1e-4, fault=text)
    records = [
        *rounds(reference, 4e-4),
        *rounds(twin, 4e-4),
        *rounds(named, 2e-4),
        record(failed, 1, None, status="failed", reason=text),
        *rounds(wrong, 1e-4, status="wrong", reason=text, judgement=lost),
    ]
    this = race(named, failed, wrong, reference=reference, twin=twin)
    spoilt = [_spoilt(each, text) for each in records]
    return report_of(replace(plan(this, command=text), run=text), environment(text), spoilt, complaints=[text])


def environment(text: str) -> dict[str, Any]:
    """A machine that is not what it should be anywhere."""
    return {
        text: text,
        "machine": {"processor": text, "memory_bytes": text, "gpus": [{"name": text}, text, None, [[text]]]},
        "packages": {text: text, "torch": text},
        "python": float("nan"),
        "load_before": float("inf"),
        "revision": {"commit": None, "changed": True, "empty": {}, "none": []},
    }


def _spoilt(each: Record, text: str) -> Record:
    job = each.job and Job(seconds=1.0, updates=1, weights={text: [None, 1e300], f"{text}b": None})
    return replace(
        each,
        run=text,
        started=text,
        fingerprint=text,
        digest=text,
        job=job,
        caveats=(Caveat(code=text, text=text, advice=text),),
        variables={text: text, "OMP_NUM_THREADS": text},
    )


def hostile_step(text: str) -> RunReport:
    """The report of a race of a step in which every string that comes from a user's file is the text."""
    answer = Answer(word="different", bits_lost=21.0, tensor=text, left_out=(text,), reason=text)
    same = replace(answer, word="same", bits_lost=0.5)
    facts = Examined(
        step=text,
        summary=text,
        parameters={"name": text},
        repeatable=True,
        draws=False,
        float64=True,
        findings=(Caveat(code=text, text=text, advice=text),),
        rewrites=(Applicable(name=text, applies=False, reason=text),),
    )
    compiler = Compiler(graphs=2, breaks=(text,), recompilations=1)
    return reported(
        answered(f"{text}1", PLAIN / 4, same, text or "pass", compiler),
        answered(f"{text}2", PLAIN / 5, answer, text),
        answered(f"{text}3", PLAIN / 5, replace(answer, word="undecidable"), text),
        answered(f"{text}4", None, None, status="unsupported", reason=text),
        answered(f"{text}5", None, None, status="failed", reason=text),
        examined=facts,
        parameters=(("name", text),),
    )
