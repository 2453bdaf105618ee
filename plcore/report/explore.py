"""The page "What would you have to believe?": the whole chain from losses to pain, on sliders.

Everything behind the page is computed here with the draws of a run and put into one HTML file; the
script of the page only multiplies, adds and takes quantiles. People with limb loss fall into
components of which each is multiplied by something that the reader can move: vascular losses up to
2024, those of the knots 2030, 2040 and 2050 by which incidence runs on, and losses of other causes.

A component is stored as its logarithm and the two coefficients of a parabola in the logarithm of
the mortality factor, for every draw, level and year. They vary together from draw to draw, so 32
scores a draw stand for all of them (a principal component analysis). What that leaves out is some
0.1% of a median; a factor near 1 (`corrections`) then makes the best estimate and its two bounds
the very numbers of `run(people_with_pain, read_scenario())`.

`answer` is the arithmetic of the page in Python, by which the corrections are made and which tests
hold the page to.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from string import Template

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from plcore.charts.frame import CLAIM, LIMB_LOSS, PAIN, PUBLISHED
from plcore.evidence.data import DATA, read
from plcore.evidence.distributions import Floats
from plcore.evidence.observations import observation_points
from plcore.evidence.parameters import parameter
from plcore.evidence.prevalence import (
    KINDS,
    POOLS,
    believed_share,
    prevalence_studies,
    sources_of,
)
from plcore.models.limb_loss import (
    KNOTS,
    LAST_OBSERVED,
    LEVELS,
    columns_of,
    dysvascular_discharges,
    inputs,
    people_and_mortality,
    project_all,
    responses_of,
)
from plcore.models.pain import BANDS, above_plateau, people_with_pain
from plcore.models.published import Anchors, constant_rate
from plcore.planner.page.write import PAGE_SCRIPT
from plcore.scenarios import INCIDENCE_PATHS, PAIN_AFTER_MINOR_LOSS, Scenario, read_scenario
from plcore.simulate.draws import sobol
from plcore.simulate.runs import run

_ASSETS = Path(__file__).parent / "assets"
_SEED, _N_DRAWS = 1, 4096
#: Years that the page computes; straight lines between them on its chart.
YEARS = tuple(range(2005, 2051, 5))
TAILS = (0.5, 0.025, 0.975)
#: What the sliders allow. The mortality factor multiplies every hazard ratio.
RANGES: Mapping[str, tuple[float, float]] = {
    "vascular_factor": (0.2, 5.0),
    "mortality_factor": (0.67, 1.5),
    "first_share": (0.2, 1.0),
    "pain_major": (0.0, 1.0),
    "pain_minor": (0.0, 1.0),
}
#: Mortality factors at which the model is run; a parabola in the logarithm between them.
_FACTORS = (2 / 3, 1.0, 1.5)
_N_SCORES = 32
_FUTURE = tuple(knot for knot in KNOTS if LAST_OBSERVED < knot <= YEARS[-1])
_KNOWN = tuple(knot for knot in KNOTS if knot <= LAST_OBSERVED)
_VASCULAR, _OTHER = ("dysvascular",), ("trauma", "cancer")
#: Components by name: path of incidence, knots that have any, and causes.
_COMPONENTS: Mapping[str, tuple[str, tuple[int, ...], tuple[str, ...]]] = {
    "past": ("held", _KNOWN, _VASCULAR),
    "past_at_1996": ("rates_of_1996", _KNOWN, _VASCULAR),
    **{f"from_{knot}": ("held", (knot,), _VASCULAR) for knot in _FUTURE},
    "other_walk": ("walk", KNOTS, _OTHER),
    "other_held": ("held", KNOTS, _OTHER),
    "other_at_1996": ("rates_of_1996", KNOTS, _OTHER),
}
#: Which losses up to 2024, and which of other causes, belong to a path of incidence.
_PAST_OF = dict.fromkeys(INCIDENCE_PATHS, "past") | {"rates_of_1996": "past_at_1996"}
_OTHER_OF = dict.fromkeys(INCIDENCE_PATHS, "other_walk") | {
    "held": "other_held", "rates_of_1996": "other_at_1996",
}  # fmt: skip
#: Outcomes of a run whose numbers the page prints in the same digits.
_PRINTED = ("limb_loss", "major", "plp", "plp_major_only", "plp_all_alike")


@dataclass(frozen=True, slots=True)
class Beliefs:
    """What a reader of the page chooses to believe; by default the best estimate.

    Attributes
    ----------
    counts : str
        "fitted": the model fitted to all counts; "published": the published pair of 2005 and 2050,
        joined by constant growth, whatever is believed of losses and survival.
    loss : str
        What counts as limb loss: "all", or "major" (a hand, a foot or more).
    incidence : str
        One of `plcore.scenarios.INCIDENCE_PATHS`.
    vascular_factor : float
        Vascular losses from 2034 on are those of the path times this; it builds up from 2024.
    mortality_factor : float
        Every hazard of death after limb loss is that of the model times this.
    first_share : float or None
        Share of vascular amputations that are a person's first; None as fitted.
    pain_major : float or None
        Share in pain after a major loss, at all times since the loss; None as studies found.
    pain_minor : float or str
        The same after the loss of fingers or toes, or one of
        `plcore.scenarios.PAIN_AFTER_MINOR_LOSS`.
    kind, pool : str
        Kind of prevalence and countries of the studies, as in `plcore.evidence`.
    """

    counts: str = "fitted"
    loss: str = "all"
    incidence: str = "walk"
    vascular_factor: float = 1.0
    mortality_factor: float = 1.0
    first_share: float | None = None
    pain_major: float | None = None
    pain_minor: float | str = "own_share"
    kind: str = "current"
    pool: str = "usa"


@dataclass(frozen=True, slots=True)
class Preset:
    """Beliefs to start from: what they are called, and what they take for granted."""

    title: str
    beliefs: Beliefs
    words: str


PRESETS: Mapping[str, Preset] = {
    "best": Preset(
        "Best estimate",
        Beliefs(),
        "Limb loss as estimated from everything that was counted. Pain after the loss of a hand, a "
        "foot or more as US studies found it, after the loss of fingers or toes as proxies suggest.",
    ),
    "claimed": Preset(
        "As claimed",
        Beliefs(counts="published", pain_major=1.0, pain_minor=1.0),
        "Clinic pages print the published number of people with limb loss as the number of people "
        "in pain. That takes for granted that everybody who lost a limb, a finger or a toe is in "
        "pain.",
    ),
    "published": Preset(
        "As published",
        Beliefs(counts="published"),
        "Ziegler-Graham 2008 printed 1.6 million people with limb loss in 2005 and 3.6 million in "
        "2050, and nothing on pain: the share in pain is this project's.",
    ),
    "lowest": Preset(
        "Lowest defensible",
        Beliefs(incidence="low_of_2010", pain_minor="none", pool="all"),
        "Vascular amputations fall back to their low of 2010. Nobody is in pain after losing only "
        "fingers or toes; after a major loss as many are as in studies of all countries.",
    ),
    "highest": Preset(
        "Highest defensible",
        Beliefs(incidence="rise_goes_on", pain_minor="as_after_major"),
        "Vascular amputations rise for ten more years as they did from 2010 to 2019, and as many "
        "are in pain after losing fingers or toes as after a major loss.",
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Numbers in 65,536 steps from the least of their row to its greatest, as the page has them."""

    low: Floats
    step: Floats
    steps: NDArray[np.uint16]

    @classmethod
    def of(cls, values: Floats) -> Steps:
        low = values.min(axis=-1, keepdims=True)
        span = values.max(axis=-1, keepdims=True) - low
        step = np.where(span > 0, span / 65535, 1.0)
        return cls(low, step, np.rint((values - low) / step).astype(np.uint16))

    @property
    def values(self) -> Floats:
        return np.asarray(self.low + self.step * self.steps)

    def packed(self) -> Mapping[str, object]:
        return {
            "low": self.low.ravel().tolist(),
            "step": self.step.ravel().tolist(),
            "steps": _base64(self.steps.astype("<u2").tobytes()),
        }


@dataclass(frozen=True, slots=True, eq=False)
class ExploreTables:
    """What the page holds of the model.

    Attributes
    ----------
    columns : mapping of str to (int, int)
        First column of each component and its first year, a place in `YEARS`; its other columns
        follow, level by level within a year.
    scores : Steps, shape (n_scores, n_draws)
    weights : ndarray of float32, shape (3, n_scores, n_columns)
        From scores to the logarithm of people and to the coefficients of the mortality factor.
    centres : ndarray, shape (3, n_columns)
        Their means over the draws.
    recent : ndarray, shape (2, n_columns)
        Share of people whose loss is less than a year, and one to two years, old.
    paths : mapping of str to Steps, shape (n_knots, n_draws)
        Logarithm of vascular incidence at the knots after 2024, less that of 2024, by path.
    first_share : Steps, shape (1, n_draws)
        As fitted.
    plateau : mapping of str to Steps, shape (1, n_draws)
        Share in pain years after a loss, by kind and pool ("current usa"), and after minor loss by
        kind ("minor current").
    excess : Steps, shape (2, n_draws)
        By how much the log odds of pain are higher in the first and in the second year.
    pair : Steps, shape (2, n_draws)
        The published people of 2005 and 2050.
    corrections : mapping of str to ndarray, shape (3, n_years)
        By what the page multiplies its median and limits; 1 to within some 0.1%.
    """

    columns: Mapping[str, tuple[int, int]]
    scores: Steps
    weights: NDArray[np.float32]
    centres: Floats
    recent: NDArray[np.float32]
    paths: Mapping[str, Steps]
    first_share: Steps
    plateau: Mapping[str, Steps]
    excess: Steps
    pair: Steps
    corrections: Mapping[str, Floats] = field(default_factory=dict)


def explore_html(
    *, made_from: str = "", tables: ExploreTables | None = None, folder: Path = DATA
) -> str:
    """The page as HTML; the same data give the same text.

    Parameters
    ----------
    made_from : str
        What the page says it was made from, such as a version and a commit.
    tables : ExploreTables, optional
        Of `explore_tables`, if they are at hand; by default computed.
    folder : Path
        Where the tables are read.
    """
    tables = explore_tables(folder=folder) if tables is None else tables
    asset = {
        ending: (_ASSETS / f"explore.{ending}").read_text(encoding="utf-8")
        for ending in ("html", "css", "js")
    }
    content = _content(tables, folder)
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Template(asset["html"]).substitute(
        style=Template(asset["css"]).substitute(_COLOURS),
        script=f"{PAGE_SCRIPT.read_text(encoding='utf-8')}\n{asset['js']}",
        # Inside <script>, "</script>" and "<!--" would end or change the text.
        content=text.replace("<", "\\u003c"),
        made_from=escape(made_from),
    )


def explore_tables(*, folder: Path = DATA) -> ExploreTables:
    """What the page holds, from a run of the baseline and the model at other mortality.

    Parameters
    ----------
    folder : Path
        Where the tables are read.
    """
    scenario = read_scenario(folder=folder)
    best = run(people_with_pain, scenario, n_draws=_N_DRAWS, seed=_SEED)
    draws = best.draws
    logs, recent, columns = _components(draws, scenario)
    scores, weights, centres = _scores(logs)
    tables = ExploreTables(
        columns=columns,
        scores=scores,
        weights=weights,
        centres=centres,
        recent=recent,
        paths=_paths(draws),
        first_share=Steps.of(draws["dysvascular_first_share"].to_numpy()[np.newaxis]),
        plateau=_plateaus(draws, scenario),
        excess=Steps.of(above_plateau(draws)[:, :2].T),
        pair=Steps.of(draws[["limb_loss_2005", "limb_loss_2050"]].to_numpy().T),
    )
    at = np.searchsorted(best.outcome.years, YEARS)
    exact = {
        name: np.quantile(best.outcome.values[name][:, at], TAILS, axis=0) for name in _PRINTED
    }
    return dataclasses.replace(tables, corrections=_corrections(tables, exact))


def _components(
    draws: pd.DataFrame, scenario: Scenario
) -> tuple[Floats, NDArray[np.float32], Mapping[str, tuple[int, int]]]:
    """Logarithms of people at each mortality factor, recent losses among them, and their places."""
    population, mortality = people_and_mortality(scenario)
    logs = []
    recent: list[Floats] = []
    columns: dict[str, tuple[int, int]] = {}
    for factor in _FACTORS:
        ratios = [name for name in map(str, draws) if name.endswith("_hazard_ratio")]
        changed = draws.assign(**{name: draws[name] * factor for name in ratios})
        # All years of the scenario, as in a run, so that the responses are those kept by it.
        responses = responses_of(
            changed, scenario, population, mortality, quantities=tuple(BANDS), age_groups=(0,),
            years=scenario.years,
        )  # fmt: skip
        parts: list[Floats] = []
        for name, (path, knots, causes) in _COMPONENTS.items():
            chosen = dataclasses.replace(
                scenario, choices={**scenario.choices, "incidence_path": path}
            )
            given = inputs(changed, chosen)
            bands = project_all(
                responses,
                dataclasses.replace(
                    given, incidence=np.where(np.isin(KNOTS, knots), given.incidence, 0.0)
                ),
                quantities=tuple(BANDS), by=("year", "level"), causes=causes, years=YEARS,
            )  # fmt: skip
            people = np.sum([bands[band] for band in BANDS], axis=0)
            first = int((people.min(axis=(0, 2)) > 0).argmax())
            if factor == 1:
                columns[name] = (sum(part.shape[1] for part in parts), first)
                shares = [bands[band].mean(axis=0) / people.mean(axis=0).clip(1e-9)
                          for band in list(BANDS)[:2]]  # fmt: skip
                recent.append(np.stack([share[first:].ravel() for share in shares]))
            parts.append(np.log(people[:, first:]).reshape(len(draws), -1))
        logs.append(np.concatenate(parts, axis=1))
    return np.stack(logs), np.concatenate(recent, axis=1).astype(np.float32), columns


def _scores(logs: Floats) -> tuple[Steps, NDArray[np.float32], Floats]:
    """Scores of each draw, and from them the parabolas in the logarithm of the mortality factor."""
    low, middle, high = logs
    x = np.log(_FACTORS[2])
    parabolas = np.stack(
        [middle, (high - low) / (2 * x), (high + low - 2 * middle) / (2 * x**2)], axis=1
    )
    values = parabolas.reshape(len(middle), -1)
    centre = values.mean(axis=0)
    _, vectors = np.linalg.eigh((values - centre).T @ (values - centre))
    # The greatest come last; a sign of their own makes the same page everywhere.
    chosen = vectors[:, : -_N_SCORES - 1 : -1]
    chosen = chosen * np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(_N_SCORES)])
    scores = Steps.of(((values - centre) @ chosen).T)
    weights = chosen.T.reshape(_N_SCORES, 3, -1).transpose(1, 0, 2).astype(np.float32)
    return scores, weights, centre.reshape(3, -1)


def _paths(draws: pd.DataFrame) -> Mapping[str, Steps]:
    columns = columns_of(draws)
    last = dysvascular_discharges(columns)[:, KNOTS.index(LAST_OBSERVED)]
    at = [KNOTS.index(knot) for knot in _FUTURE]
    return {
        path: Steps.of(np.log(dysvascular_discharges(columns, path)[:, at].T / last))
        for path in INCIDENCE_PATHS
    }


def _plateaus(draws: pd.DataFrame, scenario: Scenario) -> Mapping[str, Steps]:
    """Shares in pain at the probabilities that the run drew, for every kind and pool of studies."""
    believed = {item.name: item for item in scenario.parameters}
    names = list(believed)
    p = sobol(names, len(draws), _SEED)
    at_major, at_minor = (p[:, names.index(f"plp_prevalence{of}")] for of in ("", "_minor"))
    plateaus: dict[str, Floats] = {}
    for kind in KINDS:
        for pool in POOLS:
            studies = prevalence_studies(pool, kind=kind, folder=scenario.folder)
            share = believed_share(
                studies,
                spread=str(scenario.choices["prevalence_spread"]),
                tau_scale=float(scenario.choices["prevalence_tau_scale"]),
            )
            pooled = parameter(
                "plp_prevalence", "share", "logit_quantiles", share,
                source=sources_of(studies), seen="derived",
            )  # fmt: skip
            plateaus[f"{kind} {pool}"] = pooled.ppf(at_major)
        minor = "plp_prevalence_minor_ever" if kind == "ever" else "plp_prevalence_minor"
        plateaus[f"minor {kind}"] = believed[minor].ppf(at_minor)
    usual = f"{scenario.choices['prevalence_kind']} {scenario.choices['prevalence_pool']}"
    if not np.allclose(plateaus[usual], draws["plp_prevalence"]):
        raise ValueError(
            f"{scenario.name}: plp_prevalence was drawn otherwise than the page draws it; expected "
            "a parameter without correlations, pooled from studies"
        )
    return {name: Steps.of(share[np.newaxis]) for name, share in plateaus.items()}


def _corrections(tables: ExploreTables, exact: Mapping[str, Floats]) -> Mapping[str, Floats]:
    answers = {
        "limb_loss": answer(tables, Beliefs())["limb_loss"],
        "major": answer(tables, Beliefs(loss="major"))["limb_loss"],
        "plp": answer(tables, Beliefs())["in_pain"],
        "plp_major_only": answer(tables, Beliefs(pain_minor="none"))["in_pain"],
        "plp_all_alike": answer(tables, Beliefs(pain_minor="as_after_major"))["in_pain"],
    }
    return {name: exact[name] / answers[name] for name in _PRINTED}


# --- The arithmetic of the page ------------------------------------------------------------------


def answer(
    tables: ExploreTables, beliefs: Beliefs, years: Sequence[int] = YEARS
) -> Mapping[str, Floats]:
    """People with limb loss and people in pain: median and 95% limits, shape (3, n_years).

    Parameters
    ----------
    tables : ExploreTables
        From `explore_tables`.
    beliefs : Beliefs
        Within `RANGES`.
    years : sequence of int
        Some of `YEARS`.

    Returns
    -------
    mapping of str to ndarray
        limb_loss and in_pain, in people.
    """
    at = [YEARS.index(year) for year in years]
    model = Beliefs() if beliefs.counts == "published" else beliefs
    people, recent = _people(tables, model, at)
    if beliefs.counts == "published":
        first, last = tables.pair.values[..., np.newaxis]
        pair = constant_rate(years, Anchors(YEARS[0], first, YEARS[-1], last))
        people = people * (pair / people.sum(axis=-1))[..., np.newaxis]
        # The pair says nothing of the time since the loss: the share is that of later years.
        recent = np.zeros_like(recent)
    pain = people * _shares(tables, beliefs, recent)
    if beliefs.loss == "major":
        people, pain = people[..., :1], pain[..., :1]
    of_people, of_pain = _correction_names(beliefs)
    corrections = tables.corrections
    ones = np.ones((len(TAILS), len(YEARS)))
    return {
        "limb_loss": np.quantile(people.sum(axis=-1), TAILS, axis=0)
        * corrections.get(of_people, ones)[:, at],
        "in_pain": np.quantile(pain.sum(axis=-1), TAILS, axis=0)
        * corrections.get(of_pain, ones)[:, at],
    }


def _people(
    tables: ExploreTables, beliefs: Beliefs, at: Sequence[int]
) -> tuple[Floats, NDArray[np.float64]]:
    """People by draw, year and level, and the share of recent losses, (2, n_years, n_levels)."""
    n_draws = tables.scores.steps.shape[1]
    total = np.zeros((n_draws, len(at), len(LEVELS)))
    recent = np.zeros((2, len(at), len(LEVELS)))
    share = beliefs.first_share
    scale = np.ones(n_draws) if share is None else share / tables.first_share.values[0]
    weights = {_PAST_OF[beliefs.incidence]: scale, _OTHER_OF[beliefs.incidence]: np.ones(n_draws)}
    for knot, log in zip(_FUTURE, tables.paths[beliefs.incidence].values, strict=True):
        built_up = np.interp(
            knot, (LAST_OBSERVED, LAST_OBSERVED + 10), (1, beliefs.vascular_factor)
        )
        weights[f"from_{knot}"] = scale * np.exp(log) * built_up
    x = np.log(beliefs.mortality_factor)
    powers = np.array([1.0, x, x**2])
    scores = tables.scores.values.T
    for name, weight in weights.items():
        start, first = tables.columns[name]
        for i, year in enumerate(at):
            for k in range(len(LEVELS)) if year >= first else ():
                column = start + (year - first) * len(LEVELS) + k
                log = scores @ (powers @ tables.weights[..., column].astype(float))
                people = weight * np.exp(log + powers @ tables.centres[:, column])
                total[:, i, k] += people
                recent[:, i, k] += people.sum() * tables.recent[:, column]
    return total, recent / total.sum(axis=0)


def _shares(tables: ExploreTables, beliefs: Beliefs, recent: Floats) -> Floats:
    """Share in pain by draw, year and level."""
    major = _share_after(tables, beliefs, f"{beliefs.kind} {beliefs.pool}", recent[..., 0])
    if beliefs.pain_major is not None:
        major = np.full_like(major, beliefs.pain_major)
    if beliefs.pain_minor == "own_share":
        minor = _share_after(tables, beliefs, f"minor {beliefs.kind}", recent[..., 1])
    elif beliefs.pain_minor == "as_after_major" and beliefs.pain_major is None:
        minor = _share_after(tables, beliefs, f"{beliefs.kind} {beliefs.pool}", recent[..., 1])
    elif beliefs.pain_minor == "as_after_major":
        minor = major
    else:
        value = 0.0 if beliefs.pain_minor == "none" else float(beliefs.pain_minor)
        minor = np.full_like(major, value)
    return np.stack([major, minor], axis=-1)


def _share_after(tables: ExploreTables, beliefs: Beliefs, key: str, recent: Floats) -> Floats:
    """As studies found, higher soon after the loss; shape (n_draws, n_years)."""
    plateau = tables.plateau[key].values[0]
    share = np.repeat(plateau[:, np.newaxis], recent.shape[1], axis=1)
    if beliefs.kind != "ever":
        for part, above in zip(recent, tables.excess.values, strict=True):
            sooner = special.expit(special.logit(plateau) + above)
            share += (sooner - plateau)[:, np.newaxis] * part
    return np.asarray(share)


def _correction_names(beliefs: Beliefs) -> tuple[str, str]:
    """Which corrections people with limb loss and people in pain take."""
    if beliefs.counts == "published":
        return "", ""
    of_people = "limb_loss" if beliefs.loss == "all" else "major"
    if beliefs.pain_major is not None:
        # Certain shares, so everybody in pain is everybody with limb loss to the last digit.
        return of_people, of_people
    if beliefs.loss == "major" or beliefs.pain_minor == "none":
        return of_people, "plp_major_only"
    return of_people, "plp_all_alike" if beliefs.pain_minor == "as_after_major" else "plp"


# --- The page ------------------------------------------------------------------------------------

#: Rows of `observations.csv` on the chart, and what the chart calls them.
_POINTS = {
    "zg_people_2005": "Ziegler-Graham 2008",
    "avalere_people": "Avalere 2024",
    "rivera_people": "Rivera 2024",
    "zg_people_2050": "Ziegler-Graham 2008",
    "rivera_people_2050": "Rivera 2024",
}
_COLOURS = {"limb_loss": LIMB_LOSS, "pain": PAIN, "claim": CLAIM, "published": PUBLISHED}
#: Claims on the chart, and their years.
_CLAIMS = {"nws_1_6_million": YEARS[0], "nws_3_6_million": YEARS[-1]}


def _content(tables: ExploreTables, folder: Path) -> Mapping[str, object]:
    points = observation_points(_POINTS, folder=folder)
    claimed = read("claims", folder=folder).set_index("claim")["claimed"]
    # Several knots of a path may be alike, and such rows are the same text.
    kept: dict[str, int] = {}
    paths = {
        name: [
            kept.setdefault(json.dumps(Steps(low, step, steps).packed()), len(kept))
            for low, step, steps in zip(path.low, path.step, path.steps, strict=True)
        ]
        for name, path in tables.paths.items()
    }
    path_rows = [json.loads(text) for text in kept]
    return {
        "years": YEARS,
        "ranges": RANGES,
        "choices": {
            "counts": ["fitted", "published"],
            "loss": ["all", "major"],
            "incidence": INCIDENCE_PATHS,
            "pain_minor": PAIN_AFTER_MINOR_LOSS,
            "kind": list(KINDS),
            "pool": list(POOLS),
        },
        "presets": {
            name: dataclasses.asdict(preset) for name, preset in PRESETS.items()
        },
        "points": points[["year", "value", "low", "high", "label", "kind"]].to_dict("records"),
        "claims": [{"year": year, "value": float(claimed[key])} for key, year in _CLAIMS.items()],
        "colours": _COLOURS,
        "past_of": _PAST_OF,
        "other_of": _OTHER_OF,
        "future": {
            str(knot): float(np.interp(knot, (LAST_OBSERVED, LAST_OBSERVED + 10), (0, 1)))
            for knot in _FUTURE
        },
        "model": {
            "n_draws": tables.scores.steps.shape[1],
            "n_scores": _N_SCORES,
            "columns": tables.columns,
            "scores": tables.scores.packed(),
            "weights": _base64(tables.weights.astype("<f4").tobytes()),
            "centres": tables.centres.tolist(),
            "recent": tables.recent.astype(float).tolist(),
            "path_rows": path_rows,
            "paths": paths,
            "first_share": tables.first_share.packed(),
            "plateau": {name: share.packed() for name, share in tables.plateau.items()},
            "excess": tables.excess.packed(),
            "pair": tables.pair.packed(),
            "corrections": {name: c.tolist() for name, c in tables.corrections.items()},
        },
    }  # fmt: skip


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
