"""What the benchmarks print: the machine they ran on, and aligned tables."""
import os
import pathlib
import re


def machine():
    """What of this machine decides how fast a convolution runs."""
    text = pathlib.Path("/proc/cpuinfo").read_text()
    field = lambda name: (re.search(rf"^{name}\s*:\s*(.*)$", text, re.MULTILINE) or [None, ""])[1]
    wanted = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile")
    flags = field("flags").split()
    return {"cpu": field("model name"), "cores": len(os.sched_getaffinity(0)),
            "instruction_sets": [flag for flag in wanted if flag in flags]}


def machine_line():
    found = machine()
    return f"{found['cpu']}, {found['cores']} cores, {' '.join(found['instruction_sets'])}"


def aligned(table):
    """The rows (lists of values, the first the headings) as lines; the first column to the left, the others right."""
    rows = [[str(cell) for cell in row] for row in table]
    widths = [max(map(len, column)) for column in zip(*rows)]
    pad = lambda i, cell: cell.ljust(widths[i]) if i == 0 else cell.rjust(widths[i])
    return "\n".join("  ".join(pad(i, cell) for i, cell in enumerate(row)).rstrip() for row in rows)
