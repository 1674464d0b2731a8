"""The tables of engine_vs_peers.py, from its rows (see `measure` there)."""
import statistics

from peers import paired

MEGABYTE = 1e6
SPEED_TARGET, MEAN_TARGET = 1.0, 1.2               # best peer / Beak, of each network and over all
GAIN_TARGET = 0.9                                  # Beak's gain from the second thread over the machine's
RESIDENT_FACTOR, RESIDENT_EXTRA = 1.05, 40 * MEGABYTE  # resident <= 1.05 x weights + workspace + 40 MB
NOTHING = "-"


def agrees(row, side):
    return side == "Beak" or row["difference"].get(side, 2) <= 1


def figures(row, side, key):
    """A value a round."""
    return [one[key] for one in row["rounds"][side]]


def middle(row, side, key="median_ms"):
    return statistics.median(figures(row, side, key))


def peers_of(rows):
    """All that were measured in any of the rows, in the order in which they were."""
    return list(dict.fromkeys(side for row in rows for side in row["rounds"] if side != "Beak"))


def best_peer(row):
    """The fastest of those that agree, or None."""
    candidates = [side for side in row["rounds"] if side != "Beak" and agrees(row, side)]
    return min(candidates, key=lambda side: middle(row, side), default=None)


def paired_ratios(row, side, key="median_ms"):
    """A peer's time over Beak's, round by round."""
    return paired.ratios(figures(row, side, key), figures(row, "Beak", key))


def _verdict(good, otherwise="BELOW"):
    return "ok" if good else otherwise


def _ratio_cells(values, target):
    low, high = paired.interval(values)
    ratio = statistics.median(values)
    return [f"{ratio:.2f}", f"{low:.2f}-{high:.2f}", _verdict(ratio >= target)]


def _milliseconds(row, side):
    if side not in row["rounds"]:
        return NOTHING
    return f"{middle(row, side):.4g}" + ("" if agrees(row, side) else " DIFFERS")


def speed(rows):
    """A line a network: milliseconds of everyone, the best peer against Beak; then the geometric means."""
    peers = peers_of(rows)
    yield ["network", "Beak", *peers, "best peer", "best/Beak", "interval", f">= {SPEED_TARGET}", "of minima"]
    compared = [row for row in rows if best_peer(row)]
    for row in rows:
        best = best_peer(row)
        cells = [NOTHING] * 5
        if best:
            minima = middle_of_minima(row, best)
            cells = [best, *_ratio_cells(paired_ratios(row, best), SPEED_TARGET), f"{minima:.2f}"]
        yield [row["network"], *(_milliseconds(row, side) for side in ["Beak", *peers]), *cells]
    if compared:
        means = [_mean_over_beak(rows, peer) for peer in peers]
        over_all = paired.geometric_means([paired_ratios(row, best_peer(row)) for row in compared])
        *ratio, verdict = _ratio_cells(over_all, MEAN_TARGET)
        yield ["geometric mean / Beak", "1", *means, "", *ratio, f"{verdict} ({MEAN_TARGET})",
               f"{paired.geometric_mean([middle_of_minima(row, best_peer(row)) for row in compared]):.2f}"]


def middle_of_minima(row, peer):
    """The peer's fastest run of all over Beak's: tells a busy machine from a slow kernel."""
    return min(figures(row, peer, "min_ms")) / min(figures(row, "Beak", "min_ms"))


def _mean_over_beak(rows, peer):
    """Over the networks that this peer runs."""
    ratios = [statistics.median(paired_ratios(row, peer)) for row in rows
              if peer in row["rounds"] and agrees(row, peer)]
    return f"{paired.geometric_mean(ratios):.2f}" if ratios else NOTHING


def gains(rows):
    """More threads over one: Beak's gain, that of the peer that is best with them, and the machine's own."""
    yield ["network", "batch", "threads", "Beak", "best peer", "", "machine", f"Beak >= {GAIN_TARGET} x machine"]
    alone = {(row["network"], row["batch"]): row for row in rows if row["threads"] == 1}
    for row in rows:
        one = alone.get((row["network"], row["batch"]))
        if row["threads"] == 1 or one is None:
            continue
        gain = lambda side: middle(one, side) / middle(row, side)
        best = best_peer(row)
        other = [best, f"{gain(best):.2f}"] if best and best in one["rounds"] else [NOTHING, NOTHING]
        yield [row["network"], row["batch"], row["threads"], f"{gain('Beak'):.2f}", *other,
               f"{row['machine_gain']:.2f}", _verdict(gain("Beak") >= GAIN_TARGET * row["machine_gain"])]


def loading(rows):
    """Seconds from the file to the first answer."""
    peers = peers_of(rows)
    yield ["network", "Beak", *peers]
    for row in rows:
        yield [row["network"], *(f"{middle(row, side, 'load_seconds'):.3f}" if side in row["rounds"] else NOTHING
                                 for side in ["Beak", *peers])]


def memory(rows):
    """Resident megabytes after the first answer, beside the limit."""
    peers = peers_of(rows)
    megabytes = lambda size: f"{size / MEGABYTE:.0f}"
    yield ["network", "weights", "limit", "Beak", "within", *peers]
    for row in rows:
        resident = middle(row, "Beak", "resident_bytes")
        limit = RESIDENT_FACTOR * row["weight_bytes"] + middle(row, "Beak", "workspace_bytes") + RESIDENT_EXTRA
        yield [row["network"], megabytes(row["weight_bytes"]), megabytes(limit), megabytes(resident),
               _verdict(resident <= limit, "OVER"),
               *(megabytes(middle(row, side, "resident_bytes")) if side in row["rounds"] else NOTHING
                 for side in peers)]


def failures(rows):
    """Why a peer is missing in a line, once for each network and reason."""
    found = {(row["network"], side, why): None for row in rows for side, why in row["failed"].items()}
    return [f"{network}: {side}: {why}" for network, side, why in found]
