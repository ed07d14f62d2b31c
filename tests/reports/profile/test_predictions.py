"""What a rewrite can save at most, beside what it saved."""

from dataclasses import replace

from msgspec.structs import replace as replaced

from reports.profile.attribution import Attribution
from reports.profile.parts import Part, PartName
from reports.profile.predictions import Prediction, predictions
from tests.reports.profiles import exactly, result_of, row_of
from tests.reports.records import MANUAL


def test_a_rewrite_can_save_what_the_parts_take_that_it_changes() -> None:
    """`fused` changes the optimizer's step: half of the update; the race saw it save two fifths."""
    plain, fused = (replaced(MANUAL, implementation=name) for name in ("plain", "fused"))
    row = replace(row_of(result_of({MANUAL: 1.0}), MANUAL), arm=fused, seconds=exactly(0.6))
    parts = (Part(PartName.OPTIMIZER, 0.5, ""), Part(PartName.DISPATCH, 0.5, ""))
    attribution = Attribution(plain, exactly(1.0), parts)
    assert list(predictions([row], [attribution])) == [Prediction("fused", (PartName.OPTIMIZER,), 0.5, 0.4)]
