"""Whatever a file of looprace may hold is read back as it was written: records, plans, gates, profiles, climbs."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.results.climb import Climb
from bench.results.examined import Examined
from bench.results.gate import Counts, GatePlan, PairedRound
from bench.results.profile import Machine, Profile
from bench.results.record import LossCurve, Plan, Record
from bench.results.scores.faults import Faults
from bench.results.store import pretty
from tests.bench.results.values import values_of

KINDS = (Record, Plan, LossCurve, Examined, Climb, Profile, Machine, GatePlan, PairedRound, Counts, Faults)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_is_written_is_read_back(kind: Any) -> None:
    """For any value of each kind of file, to the last bit of every number and the last character of every text."""

    @settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def round_trip(data: st.DataObject) -> None:
        value = data.draw(values_of(kind))
        assert msgspec.json.decode(pretty(value), type=kind) == value

    round_trip()
