"""The answer of an arm of an exact workload: its weights, brought to the host, and how long reading them takes."""

from multiprocessing import active_children

from bench import clock
from bench.messages.commands import ArmWeights, ReadOff
from impls.contract import Implementation
from impls.contract.setting import Setting


def weights_of(arm: Implementation, setting: Setting, when: str, updates: int) -> ArmWeights:
    """The weights as they are verified: brought to the host only where they are on the device of the setting."""
    weights = arm.weights()
    devices = tuple(sorted({value.device.type for value in weights.values()}))
    in_place = devices == (setting.device,)
    return ArmWeights(
        when=when,
        updates=updates,
        weights={name: value.detach().double().cpu().tolist() for name, value in weights.items()} if in_place else {},
        devices=devices,
        dtypes=tuple(sorted({str(value.dtype).removeprefix("torch.") for value in weights.values()})),
    )


def read_off(arm: Implementation, setting: Setting) -> ReadOff:
    """Reads the weights twice; what had been put off until somebody looks makes the first reading longer.

    The processor's time is counted, which no neighbour adds to; where children may do the work, the wall's.
    """
    time = clock.now if active_children() else clock.worked
    begin = time()
    weights_of(arm, setting, "read", 0)
    between = time()
    weights_of(arm, setting, "read", 0)
    return ReadOff(seconds=between - begin, again=time() - between)
