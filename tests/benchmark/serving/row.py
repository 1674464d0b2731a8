"""A row of the table of targets: the figure, what it should be, what it is."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Row:
    figure: str
    target: str
    measured: str
    passed: bool | None  # None: it could not be measured, and `measured` says why

    def verdict(self):
        return "not measured" if self.passed is None else "pass" if self.passed else "MISS"


def at_least(figure, limit, value, form="{:.2f}", detail=""):
    return Row(figure, ">= " + form.format(limit), form.format(value) + detail, value >= limit)


def at_most(figure, limit, value, form="{:.2f}", detail=""):
    return Row(figure, "<= " + form.format(limit), form.format(value) + detail, value <= limit)


def not_measured(figure, target, why):
    return Row(figure, target, why, None)


def table(rows):
    yield ["figure", "target", "measured", "verdict"]
    for row in rows:
        yield [row.figure, row.target, row.measured, row.verdict()]
