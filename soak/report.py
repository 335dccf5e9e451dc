"""Prints the tables at the end of a soak."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from soak.faults import Inflicted
from soak.load import Load
from soak.recording import NO_ANSWER, Recording, Sample
from soak.verdict import Finding, recovery_seconds

CLASSES = ("2xx", "4xx", "500", "503", "none")


def show(
    console: Console,
    *,
    recording: Recording,
    load: Load,
    inflicted: Sequence[Inflicted],
    found_rows: int,
    recycled: int,
    findings: Sequence[Finding],
) -> None:
    console.print(_answers(recording.samples))
    console.print(_failures(recording.samples))
    console.print(_faults(recording.samples, inflicted))
    console.print(_writes(load, found_rows, recycled))
    console.print(_findings(findings))
    for example in recording.examples:
        console.print(f"[red]{example}", markup=True, highlight=False, soft_wrap=True)


def _class(sample: Sample) -> str:
    if sample.status == NO_ANSWER:
        return "none"
    if sample.status >= 500:
        return str(sample.status)
    return f"{sample.status // 100}xx"


def _answers(samples: Sequence[Sample]) -> Table:
    table = Table("load", "requests", *CLASSES, "median ms", "p99 ms", title="Answers")
    by_kind: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_kind[sample.kind].append(sample)
    for kind, some in [*sorted(by_kind.items()), ("all", list(samples))]:
        classes = Counter(map(_class, some))
        took = sorted(1000 * (sample.ended - sample.began) for sample in some)
        table.add_row(
            kind,
            str(len(some)),
            *(str(classes[name] or "") for name in CLASSES),
            f"{took[len(took) // 2]:.1f}" if took else "",
            f"{took[len(took) * 99 // 100]:.0f}" if took else "",
            style="bold" if kind == "all" else None,
        )
    return table


def _failures(samples: Sequence[Sample]) -> Table:
    table = Table("cause", "requests", title="Failures by cause")
    causes = Counter(
        f"{_class(sample)} {sample.cause}".strip() for sample in samples if sample.failed
    )
    for cause, number in causes.most_common():
        table.add_row(cause, str(number))
    return table


def _faults(samples: Sequence[Sample], inflicted: Sequence[Inflicted]) -> Table:
    table = Table("fault", "times", "lasted s", "failed", "recovered after s", title="Faults")
    recovered = recovery_seconds(samples, inflicted)
    names = list(dict.fromkeys(fault.fault.name for fault in inflicted))
    for name in names:
        rounds = [
            (fault, seconds)
            for fault, seconds in zip(inflicted, recovered, strict=True)
            if fault.fault.name == name
        ]
        failed = sum(
            sample.failed and fault.began <= sample.ended and sample.began <= fault.ended
            for fault, _ in rounds
            for sample in samples
        )
        longest = max(fault.ended - fault.began for fault, _ in rounds)
        worst = [seconds for _, seconds in rounds]
        known = [seconds for seconds in worst if seconds is not None]
        table.add_row(
            name,
            str(len(rounds)),
            f"{longest:.1f}",
            str(failed or ""),
            f"{max(known):.2f}" if len(known) == len(worst) else "[red]not",
        )
    return table


def _writes(load: Load, found_rows: int, recycled: int) -> Table:
    ledger = load.ledger
    table = Table("what", "number", title="Writes and the rest")
    for what, number in (
        ("awards created", len(ledger.created)),
        ("awards imported", len(ledger.imported)),
        ("changes", ledger.changes),
        ("interactions", len(set(ledger.saved))),
        ("acknowledged in all", ledger.acknowledged),
        ("found in the tables", found_rows),
        ("creations repeated after a lost answer, made once", ledger.replayed),
        ("changes whose answer was lost, found by reading", ledger.found_out),
        ("looks at awards about to close", sum(users.checked for users in load.midnights)),
        ("workers recycled", recycled),
    ):
        table.add_row(what, str(number))
    return table


def _findings(findings: Sequence[Finding]) -> Table:
    table = Table("invariant", "holds", "detail", title="Invariants")
    for finding in findings:
        holds = "[green]yes" if finding.holds else "[bold red]NO"
        table.add_row(finding.what, holds, finding.detail.replace("[", "\\["))
    return table
