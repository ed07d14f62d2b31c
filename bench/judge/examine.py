"""What a step is like, found out by building it and making a few updates: facts, findings with cures, rewrites that apply."""

from collections.abc import Iterator, Mapping

import torch
from torch import nn

from bench.judge.referee import Referee
from bench.judge.standard.observation import CHANGE, COUNT, GRADIENT, LOSS, Observation, observe
from bench.results.examined import Applicable, Examined
from bench.results.record import Caveat
from impls.recipe.flags import global_flags
from impls.recipe.live_step import LiveStep, NotApplicable
from impls.recipe.recipe import Recipe, rewrites
from impls.recipe.rewrite import Rewrite
from impls.recipe.step_file import StepFault

MANY = 3  # names that a sentence lists before it says how many more there are
DENORMAL = 0.001  # share of the state's numbers from which arithmetic on denormals may take time


def examined(referee: Referee, flags: Mapping[str, object]) -> Examined:
    """All that is to be known about a step before it is raced.

    flags  torch's global settings before the file was imported
    """
    plain = referee.plain
    changed = [
        f"{name}: {old} became {new}"
        for (name, old), new in zip(flags.items(), global_flags().values(), strict=True)
        if new != old
    ]
    first = observe(plain)
    evaluations = [int(count) for name, count in first.items() if name.startswith(f"{COUNT} evaluations")]
    updates = 2
    findings = [
        *_of_repeatability(referee.difference),
        *_of_flags(changed),
        *_of_batches(plain),
        *_of_training(plain, first),
        *_of_parameters(plain),
        *_of_numbers(plain, first),
        *_of_float64(referee.no_double),
        *_of_rounding("" if referee.difference else referee.wide),
    ]
    return Examined(
        step=plain.file.name,
        summary=plain.file.summary,
        parameters=dict(plain.file.parameters) | plain.setting.named,
        repeatable=not referee.difference,
        draws=plain.facts.draws,
        float64=referee.double is not None,
        evaluations=max([1, *(count // updates for count in evaluations)]),
        numbers=sum(parameter.numel() for parameter in plain.parameters),
        findings=tuple(findings),
        rewrites=tuple(_applicable(plain, name, rewrite) for name, rewrite in rewrites().items()),
        seconds=referee.seconds,
    )


def _applicable(plain: LiveStep, name: str, rewrite: Rewrite) -> Applicable:
    """Whether a rewrite applies. It is tried, for constructors promise what `step` refuses; but not what compiles, which
    takes long, nor what changes this process or starts another one.
    """
    reason = ""
    recipe = Recipe.of([name])
    try:
        if recipe.refusal:
            reason = recipe.refusal
        elif recipe.compiles or any(_needs_a_process(rewrites()[one]) for one in recipe.rewrites):
            reason = next(filter(None, (rewrites()[one].refusal(plain) for one in recipe.rewrites)), "")
        else:
            LiveStep(plain.file, plain.setting, recipe).advance(2)
    except (NotApplicable, StepFault) as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - what a rewrite makes of a user's code is the reason
        text = " ".join(str(error).split())[:200] or "no message"
        reason = f"it fails: {type(error).__name__}: {text}"
    finally:
        plain.reset()
    return Applicable(name=name, applies=not reason, reason=reason, numerics=rewrite.numerics)


def _needs_a_process(rewrite: Rewrite) -> bool:
    """Whether it changes the process that it is tried in, or starts another one."""
    return rewrite.process or rewrite.threads > 0 or rewrite.ranks


def _of_repeatability(difference: str) -> Iterator[Caveat]:
    if difference:
        yield Caveat(
            code="not_repeatable",
            text=f"two builds with the same seed differ ({difference}), so no arm can be judged by a single update",
            advice="draw random numbers from torch, numpy or random, whose generators are set before model() and each update, "
            "or from a generator made of batches' own seed; read no clock",
        )


def _of_flags(changed: list[str]) -> Iterator[Caveat]:
    if changed:
        yield Caveat(
            code="changed_flags",
            text=f"the file changes a global setting of torch ({'; '.join(changed)}), for every arm alike",
            advice="leave it where it belongs to the step; a rewrite that sets it would change nothing",
        )


def _of_batches(plain: LiveStep) -> Iterator[Caveat]:
    facts = plain.facts
    if facts.writes_batch:
        yield Caveat(
            code="writes_batch",
            text="an update writes into its batch, which other updates read again",
            advice="copy what is changed: batch.clone()",
        )
    if len(facts.batch_shapes) > 1:
        yield Caveat(
            code="batch_shapes",
            text=f"batches change their shape ({_listed(facts.batch_shapes)}), which makes compiled code compile again",
            advice="yield batches of one shape, e.g. drop the last one that is not full",
        )
    if facts.opaque:
        yield Caveat(
            code="opaque_batch",
            text=f"batches hold objects that are not looked into ({_listed(facts.opaque)}): they are neither moved nor cast",
            advice="yield tensors, or tuples, lists or dicts of them",
        )
    if facts.batches_end:
        yield Caveat(
            code="few_batches",
            text=f"batches(seed) ends after {len(plain.batches)}, which are read in turn",
            advice="yield batches without end, `while True:`, where a run reads more of them",
        )


def _of_training(plain: LiveStep, first: Observation) -> Iterator[Caveat]:
    unused = plain.facts.unused
    if idle := _idle(first):
        yield Caveat(
            code="learns_nothing",
            text=f"an update teaches the model nothing: {idle}",
            advice="look for a detach(), a no_grad() or an item() between model and loss, and at the learning rate",
        )
    elif unused:
        yield Caveat(
            code="unused",
            text=f"{_counted(unused, 'parameter')} without a gradient ({_listed(unused)}): optimizers pass over them",
            advice="give the optimizer only what is trained",
        )
    if not any(name.startswith(LOSS) for name in first):
        yield Caveat(
            code="no_loss",
            text="update() returns no loss, so none is compared",
            advice="end it with `return loss.detach()`",
        )


def _idle(first: Observation) -> str:
    """Why nothing is learned; "" where something is."""
    gradients = [gradient for name, gradient in first.items() if name.startswith(GRADIENT)]
    stepped = any(bool(calls) for name, calls in first.items() if name.startswith(f"{COUNT} calls"))
    if stepped and not any(bool(gradient.any()) for gradient in gradients):
        return "every gradient is zero" if gradients else "no parameter has a gradient"
    moved = any(bool(change.any()) for name, change in first.items() if name.startswith(f"{CHANGE} parameter"))
    return "" if moved else "no parameter moves"


def _of_parameters(plain: LiveStep) -> Iterator[Caveat]:
    names = {
        name.removeprefix("parameter "): one for name, one in plain.tensors().items() if name.startswith("parameter")
    }
    if empty := tuple(name for name, one in names.items() if not one.numel()):
        yield Caveat(
            code="empty",
            text=f"{_counted(empty, 'parameter')} without a number ({_listed(empty)})",
            advice="leave it where it is meant",
        )
    if tied := tuple(_tied(plain.modules)):
        yield Caveat(
            code="tied",
            text=f"{_counted(tied, 'parameter')} used under two names ({_listed(tied)}): it is one tensor, and counted once",
            advice="keep it tied in what you paste",
        )
    if sparse := plain.facts.sparse:
        yield Caveat(
            code="sparse",
            text=f"{_counted(sparse, 'parameter')} with sparse gradients ({_listed(sparse)}): most rewrites do not take them",
            advice="compare with sparse=False: on small tables dense gradients are often faster",
        )


def _of_numbers(plain: LiveStep, first: Observation) -> Iterator[Caveat]:
    state = [one for one in plain.tensors().values() if one.is_floating_point() and one.layout == torch.strided]
    denormal = sum(int(((one != 0) & (one.abs() < torch.finfo(one.dtype).tiny)).sum()) for one in state)
    share = denormal / max(1, sum(one.numel() for one in state))
    if share > DENORMAL:
        yield Caveat(
            code="denormal",
            text=f"{share:.1%} of the numbers in its state are denormal, on which a CPU computes slowly",
            advice="torch.set_flush_denormal(True), which is one of the rewrites",
        )


def _of_float64(reason: str) -> Iterator[Caveat]:
    if reason:
        yield Caveat(
            code="no_float64",
            text=f"{reason}; so arms are judged in float32 alone, and what loses more than 2 bits there stays undecidable",
            advice="leave dtypes to looprace: no .float(), no dtype=torch.float32 where the input's own dtype will do",
        )


def _of_rounding(wide: str) -> Iterator[Caveat]:
    if wide:
        yield Caveat(
            code="chaotic",
            text=f"rounding alone moves the {wide} by more than a tenth: two updates of this step are chaotic in float32",
            advice="nothing has to be done: answers in float64 decide",
        )


def _tied(modules: Mapping[str, nn.Module]) -> Iterator[str]:
    """The names under which a parameter is there once more."""
    for module in modules.values():
        own = {id(one) for _, one in module.named_parameters()}
        names = dict(module.named_parameters())
        for name, one in module.named_parameters(remove_duplicate=False):
            if name not in names and id(one) in own:
                yield name


def _counted(names: tuple[str, ...], noun: str) -> str:
    return f"{len(names)} {noun}{'s are' if len(names) > 1 else ' is'}"


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
    return ", ".join(names[:MANY]) + more
