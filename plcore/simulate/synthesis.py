"""One posterior for everything: the limb loss model held against all observations at once.

Each observation has its own error and its discrepancy: what it counts otherwise than the model
does. Half of the variance of the discrepancy is shared by all rows of a source family that are of
one quantity, since what is wrong in a work is wrong in all of its rows; ratios between years share
nothing, as it cancels in them.

`fit` makes the posterior, `python3 run.py fit` stores it in `data/posterior/`, and
`posterior_draws` reads it. It carries a fingerprint of all that it rests on; where that has
changed since, the stored draws are refused.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import time
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

from plcore.evidence.data import DATA
from plcore.evidence.distributions import Floats
from plcore.evidence.observations import read_observations
from plcore.evidence.parameters import Parameter
from plcore.inputs import checks_kinds
from plcore.models.limb_loss import KNOTS, STRATA, SURVIVALS, conditions_of, people_and_mortality
from plcore.models.observed import FIXED, Rows, lay_out, on_scale, predict
from plcore.scenarios import Scenario, read_scenario
from plcore.simulate.draws import Sampler, draw, sobol
from plcore.simulate.posterior import Posterior, sample_posterior

#: Share of the variance of a discrepancy that the rows of a family and quantity have in common.
_SHARED = 0.5


@dataclass(frozen=True, eq=False)
class Likelihood:
    """How probable observations are, given draws of the model's parameters.

    Attributes
    ----------
    scenario : Scenario
        Its parameters are the priors; those that are fixed fill up the draws.
    observations : DataFrame
        The rows that are held against the model.
    """

    scenario: Scenario
    observations: pd.DataFrame

    @functools.cached_property
    def _rows(self) -> Rows:
        return lay_out(self.observations)

    @functools.cached_property
    def _root(self) -> Floats:
        return np.asarray(np.linalg.cholesky(self.covariance()))

    def __reduce__(self) -> tuple[type[Likelihood], tuple[Scenario, pd.DataFrame]]:
        # Rows of pandas cannot be sent to another process: there they are laid out again.
        return type(self), (self.scenario, self.observations)

    @property
    def priors(self) -> tuple[Parameter, ...]:
        """The uncertain parameters of the limb loss model."""
        return uncertain(self.scenario)

    def predicted(self, draws: pd.DataFrame) -> Floats:
        """The model's numbers on the scale of comparison, shape (n_draws, n_observations)."""
        return on_scale(
            predict(completed(draws, self.scenario), self.scenario, self._rows), self._rows
        )

    def covariance(self) -> Floats:
        """Of the observations about the model, shape (n_observations, n_observations)."""
        discrepancy = self.observations["discrepancy"].to_numpy(dtype=float)
        groups = self.observations["family"] + " " + self.observations["quantity"]
        same = groups.to_numpy()[:, np.newaxis] == groups.to_numpy()
        of_years = (self.observations["quantity"] == "amputations_ratio_of_years").to_numpy()
        common = np.sqrt(np.where(of_years, 0.0, _SHARED)) * discrepancy
        sampling = self.observations["sampling_sd"].to_numpy(dtype=float)
        own = sampling**2 + discrepancy**2 - common**2
        return np.asarray(np.outer(common, common) * same + np.diag(own))

    def __call__(self, draws: pd.DataFrame) -> Floats:
        """Log likelihood of each draw, shape (n_draws,)."""
        if self.observations.empty:
            return np.zeros(len(draws))
        root, centre = self._root, self.observations["centre"].to_numpy()
        residuals = np.linalg.solve(root, (centre - self.predicted(draws)).T)
        constant = np.log(np.diag(root)).sum() + 0.5 * len(root) * np.log(2 * np.pi)
        return np.asarray(-0.5 * np.sum(residuals**2, axis=0) - constant)


def completed(draws: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """Draws with the fixed parameters of the limb loss model as well.

    Parameters
    ----------
    draws : DataFrame
        Of the uncertain parameters, one row per draw.
    scenario : Scenario
        Whose parameters they are.
    """
    fixed = {
        item.name: item.arguments[0][1]
        for item in scenario.parameters
        if _is_of_limb_loss(item) and item.name not in draws
    }
    # All at once: added one by one, the columns took a tenth of the time of a fit.
    return pd.concat([draws, pd.DataFrame(fixed, index=draws.index)], axis=1)


def uncertain(scenario: Scenario) -> tuple[Parameter, ...]:
    """The parameters of the limb loss model that a scenario takes as uncertain.

    Parameters
    ----------
    scenario : Scenario
    """
    return tuple(
        item for item in scenario.parameters if _is_of_limb_loss(item) and item.dist != "fixed"
    )


def _is_of_limb_loss(item: Parameter) -> bool:
    return item.name.startswith(("dysvascular_", "trauma_", "cancer_"))


def fit(
    observations: pd.DataFrame,
    *,
    scenario: Scenario | None = None,
    n_draws: int = 1024,
    n_fits: int = 4,
    seed: int = 1,
    executor: Executor | None = None,
) -> Posterior:
    """The posterior of the limb loss model's parameters, given observations.

    Parameters
    ----------
    observations : DataFrame
        Rows of `data/observations.csv`; without any, the posterior is the prior.
    scenario : Scenario, optional
        Whose parameters are the priors; by default the baseline.
    n_draws : int
        Of each fit.
    n_fits : int
        Independent fits, 2 or more.
    seed : int
        0 or more.
    executor : concurrent.futures.Executor, optional
        Where the fits are made.

    Raises
    ------
    ValueError
        If the fits disagree, or data and prior contradict each other.
    """
    scenario = read_scenario() if scenario is None else scenario
    likelihood = Likelihood(scenario, observations.reset_index(drop=True))
    try:
        posterior = sample_posterior(
            likelihood, likelihood.priors, n_draws=n_draws, n_fits=n_fits, seed=seed,
            executor=executor,
        )  # fmt: skip
    except ValueError as error:
        if likelihood.observations.empty:
            raise
        prior = draw(likelihood.priors, n_draws, seed=seed)
        pulls = _in_words(conflicts(prior, likelihood))
        raise ValueError(f"{error}; farthest from the prior: {pulls}") from error
    require_agreement(posterior, likelihood)
    return posterior


def fitted_rows(observations: pd.DataFrame) -> pd.DataFrame:
    """The observations that the fit uses; the others are only predicted.

    Parameters
    ----------
    observations : DataFrame
        As `plcore.evidence.observations.read_observations` gives it.
    """
    return observations[observations["use"] == "fit"].reset_index(drop=True)


def fingerprint(likelihood: Likelihood) -> str:
    """A text that changes with whatever the posterior rests on: priors, observations, people, deaths.

    Parameters
    ----------
    likelihood : Likelihood
    """
    content = hashlib.sha256()
    for item in likelihood.scenario.parameters:
        if _is_of_limb_loss(item):
            content.update(repr((item.name, item.dist, item.shape)).encode())
    columns = ["observation", "quantity", "family", "centre", "sampling_sd", "discrepancy"]
    content.update(likelihood.observations[columns].round(12).to_csv(index=False).encode())
    content.update(conditions_of(*people_and_mortality(likelihood.scenario)).digest)
    content.update(repr((KNOTS, STRATA, SURVIVALS, FIXED, _SHARED)).encode())
    return content.hexdigest()


def write_posterior(posterior: Posterior, likelihood: Likelihood) -> None:
    """Store the draws of a posterior with the fingerprint of what they rest on.

    Parameters
    ----------
    posterior : Posterior
    likelihood : Likelihood
        That it was made with; the files go into the folder `posterior` of its scenario's data.
    """
    place = likelihood.scenario.folder / "posterior"
    place.mkdir(parents=True, exist_ok=True)
    posterior.draws.assign(fit=posterior.fit).to_csv(
        place / _DRAWS, index=False, float_format="%.6g", lineterminator="\n",
        compression={"method": "gzip", "mtime": 0},
    )  # fmt: skip
    about = {
        "fingerprint": fingerprint(likelihood),
        "log_evidence": [round(float(x), 3) for x in posterior.log_evidence],
        "observations": len(likelihood.observations),
    }
    (place / _ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


_DRAWS, _ABOUT = "limb_loss.csv.gz", "limb_loss.json"


def read_posterior(*, folder: Path = DATA) -> pd.DataFrame:
    """The stored draws of the limb loss model's parameters, one row per draw.

    Parameters
    ----------
    folder : Path
        Of the data.

    Raises
    ------
    ValueError
        If there are none, or what they rest on has changed since: `python3 run.py fit` renews them.
    """
    place = folder / "posterior"
    if not (place / _DRAWS).exists():
        raise ValueError(f"{_DRAWS}: no such file in {place}; {_fit_command(folder)} makes it")
    stamps = tuple(sorted(_stamps(folder)))
    return _read_posterior(folder, stamps).copy()


def _fit_command(folder: Path) -> str:
    own = "" if folder == DATA else f" --folder {folder}"
    return f"python3 run.py fit{own} (from an installed package: plcore fit --folder {folder})"


def _stamps(folder: Path) -> list[tuple[str, int]]:
    files = [folder / name for name in ("parameters.csv", "observations.csv")]
    files += [folder / "scenarios" / "baseline.toml", folder / "posterior" / _DRAWS]
    return [(path.name, path.stat().st_mtime_ns) for path in files if path.exists()]


@functools.lru_cache(maxsize=4)
def _read_posterior(folder: Path, stamps: tuple[tuple[str, int], ...]) -> pd.DataFrame:
    place = folder / "posterior"
    about = json.loads((place / _ABOUT).read_text(encoding="utf-8"))
    scenario = read_scenario(folder=folder)
    likelihood = Likelihood(scenario, fitted_rows(read_observations(folder=folder)))
    if about["fingerprint"] != fingerprint(likelihood):
        raise ValueError(
            f"{_DRAWS}: made from other parameters, observations, people or deaths than those in "
            f"{folder.name}/ now; {_fit_command(folder)} renews it"
        )
    return pd.read_csv(place / _DRAWS).drop(columns="fit").rename_axis("draw")


def with_posterior(draws: pd.DataFrame, scenario: Scenario, *, seed: int) -> pd.DataFrame:
    """Draws of a scenario in which the limb loss model's parameters are those of the posterior.

    A parameter of which the scenario says otherwise than the baseline keeps its own draws. As many
    draws as were stored take each of them once; fewer or more are spread evenly over them.

    Parameters
    ----------
    draws : DataFrame
        Of the scenario's parameters, one row per draw.
    scenario : Scenario
        Whose parameters were drawn.
    seed : int
        Of the order in which the stored draws are taken.
    """
    stored = posterior_of(scenario)
    order = np.random.default_rng(np.random.SeedSequence([seed, len(stored)])).permutation(
        len(stored)
    )
    rows = order[np.arange(len(draws)) % len(stored)]
    return draws.assign(**{str(name): stored[name].to_numpy()[rows] for name in stored})


def posterior_of(scenario: Scenario) -> pd.DataFrame:
    """The stored draws of those parameters that a scenario takes from the posterior.

    None where its choice beliefs is "prior". A parameter of which it says otherwise than the
    baseline is not among them.

    Parameters
    ----------
    scenario : Scenario
    """
    if scenario.choices.get("beliefs") != "posterior":
        return pd.DataFrame()
    stored = read_posterior(folder=scenario.folder)
    believed = {item.name: item for item in _baseline(scenario.folder).parameters}
    return stored[
        [
            item.name
            for item in scenario.parameters
            if item.name in stored
            and (item.dist, item.shape) == (believed[item.name].dist, believed[item.name].shape)
        ]
    ]


@checks_kinds
def draws_of(scenario: Scenario, n: int, *, seed: int, sampler: Sampler = sobol) -> pd.DataFrame:
    """Draws of all that a scenario takes as uncertain, one row per draw.

    Where its choice beliefs is "posterior", the parameters of limb loss come from the stored
    posterior, so that they agree with all observations at once; the others from their own
    distributions.

    Parameters
    ----------
    scenario : Scenario
        Its choice beliefs says whether limb loss comes from the posterior.
    n : int
        How many draws.
    seed : int
        0 or more.
    sampler : function
        `sobol` or `plain`, for the parameters that are not of the posterior.

    Examples
    --------
    >>> draws = draws_of(read_scenario(), 4, seed=1)
    >>> bool(draws["dysvascular_first_share"].between(0.5, 0.9).all())
    True
    """
    draws = draw(
        scenario.parameters, n, seed=seed, sampler=sampler, correlations=scenario.correlations
    )
    if scenario.choices.get("beliefs") != "posterior":
        return draws
    return with_posterior(draws, scenario, seed=seed)


def conflicts(draws: pd.DataFrame, likelihood: Likelihood) -> pd.DataFrame:
    """Which families of observations the draws agree with least, and where each pulls.

    Parameters
    ----------
    draws : DataFrame
        Of the posterior, one row per draw.
    likelihood : Likelihood
        That it was made with.

    Returns
    -------
    DataFrame
        One row per family and quantity, the strongest first: family, quantity, observations, z (the
        observations less the median prediction, in standard deviations of error and discrepancy,
        the one farthest from 0) and pulls ("up" where more was observed than is predicted).
    """
    rows = likelihood.observations
    middle = np.median(likelihood.predicted(draws), axis=0)
    spread = np.sqrt(np.diag(likelihood.covariance()))
    z = (rows["centre"].to_numpy(dtype=float) - middle) / spread
    table = rows[["family", "quantity"]].assign(z=z, size=np.abs(z))
    groups = table.sort_values("size", ascending=False).groupby(["family", "quantity"], sort=False)
    strongest = groups.first().assign(observations=groups.size()).reset_index()
    pulls = np.where(strongest["z"] > 0, "up", "down")
    return strongest[["family", "quantity", "observations", "z"]].assign(pulls=pulls)


#: Largest R-hat of independent fits that agree (Vehtari et al. 2021 ask for 1.01 of long chains;
#: the stored fit has some 1.002, fits of a few hundred draws more by chance).
_AGREE = 1.2


def require_agreement(posterior: Posterior, likelihood: Likelihood) -> None:
    """Refuse a posterior whose independent fits disagree, and say which family pulls where.

    Parameters
    ----------
    posterior : Posterior
    likelihood : Likelihood
        That it was made with.

    Raises
    ------
    ValueError
        If the R-hat of a parameter is above 1.2.
    """
    # Draws that are all alike have no R-hat: the fit has collapsed on one of them.
    table = posterior.diagnostics().set_index("parameter")["r_hat"].fillna(np.inf)
    worst = str(table.idxmax())
    if table[worst] <= _AGREE:
        return
    raise ValueError(
        f"the fits disagree on {worst} (R-hat {table[worst]:.2f}; expected {_AGREE} or less): draw "
        f"more, or see what pulls: {_in_words(conflicts(posterior.draws, likelihood))}"
    )


def _in_words(pulls: pd.DataFrame, most: int = 3) -> str:
    return "; ".join(
        f"{row['family']} ({row['quantity']}) {row['pulls']}, "
        f"{abs(float(row['z'])):.1f} standard deviations"
        for row in pulls.head(most).to_dict("records")
    )


@functools.lru_cache(maxsize=4)
def _baseline_at(folder: Path, stamps: tuple[tuple[str, int], ...]) -> Scenario:
    return read_scenario(folder=folder)


def _baseline(folder: Path) -> Scenario:
    return _baseline_at(folder, tuple(sorted(_stamps(folder))))


def main(arguments: Sequence[str] | None = None, *, prog: str = "python3 run.py fit") -> int:
    """Fit the limb loss model to the observations, store the posterior, and say how well it went."""
    parser = argparse.ArgumentParser(prog=prog, description=main.__doc__)
    # An installed package has no data that may be written to.
    installed = prog.startswith("plcore")
    parser.add_argument(
        "--folder", type=Path, default=DATA, required=installed,
        help="of the data" + ("" if installed else "; by default data/"),
    )  # fmt: skip
    folder = parser.parse_args(arguments).folder
    start = time.monotonic()
    scenario = read_scenario(folder=folder)
    rows = fitted_rows(read_observations(folder=folder))
    with ProcessPoolExecutor(2) as pool:
        posterior = fit(rows, scenario=scenario, executor=pool)
    likelihood = Likelihood(scenario, rows)
    write_posterior(posterior, likelihood)
    table = posterior.diagnostics()
    evidence = special.logsumexp(posterior.log_evidence) - np.log(len(posterior.log_evidence))
    print(
        f"{len(posterior.draws):,} draws from {len(posterior.log_evidence)} independent fits to "
        f"{len(rows)} observations in {time.monotonic() - start:.0f} s.\n"
        f"Log evidence {evidence:.2f} (the fits: "
        f"{', '.join(f'{x:.2f}' for x in posterior.log_evidence)}).\n"
        f"Largest R-hat {table['r_hat'].max():.3f}; fewest effective draws "
        f"{table['effective'].min():.0f}.\n"
        f"What pulls hardest: {_in_words(conflicts(posterior.draws, likelihood))}."
    )
    return 0
