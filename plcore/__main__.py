"""The command `plcore` of an installed package: what it can do without the project's folder.

A job is imported when it is asked for, as not all that jobs need is installed everywhere.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import plcore
from plcore.terminal import ends_in_words

#: Each job: the module whose `main` does it, what it does, and the extra that it needs.
JOBS = {
    "plan": ("plcore.planner.command", "plan a clinic: a workbook and CSV files", "workbook"),
    "report": ("plcore.report.__main__", "run the notebooks, write the report", "notebooks"),
    "figures": ("plcore.report.figures", "the report's charts as SVG, PNG, PDF and CSV", "images"),
    "data": ("plcore.report.own_data", "copy the tables of evidence, check your copy", ""),
    "fit": ("plcore.simulate.synthesis", "fit the model to the observations of your copy", ""),
}
USAGE = "\n".join([
    "usage: plcore JOB [...]",
    "",
    "The evidence on limb loss and phantom limb pain, turned into projections and clinic demand.",
    "",
    *(f"    plcore {f'{job} [...]':16} {what}" for job, (_, what, _) in JOBS.items()),
    "",
    "    plcore JOB --help        what a job takes",
    "    plcore --version",
    "",
])  # fmt: skip


def command() -> int:
    """The exit code of the command `plcore`."""
    return ends_in_words("plcore", main)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code of the job that the command line names; 2 for a misuse.

    Parameters
    ----------
    arguments : sequence of str, optional
        The job and what it takes; by default those of the command line.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given in (["-h"], ["--help"]):
        print(USAGE, end="")
        return 0
    if given == ["--version"]:
        print(f"plcore {plcore.__version__}")
        return 0
    if not given or given[0] not in JOBS:
        what = "no job given" if not given else f"unknown job {given[0]!r}"
        print(f"plcore: {what}; the jobs are {', '.join(JOBS)}\n\n{USAGE}", end="", file=sys.stderr)
        return 2
    module, _, extra = JOBS[given[0]]
    try:
        job = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "plcore" or not extra:
            raise
        print(
            f"plcore {given[0]}: the package {error.name} is not installed; "
            f'install plcore with the extra "{extra}", as in: pip install "plcore[{extra}]"',
            file=sys.stderr,
        )
        return 2
    return int(job.main(given[1:], prog=f"plcore {given[0]}"))


if __name__ == "__main__":
    sys.exit(command())
