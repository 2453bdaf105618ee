"""Trials: response rates, treatment against control, power, simulated trials, courses.

Arrays in, arrays out; only `pool_responses` and `effects_table` take a table of arms. Arm 1 is the
treatment, and a response is what is hoped for.

* `response`: what is believed of a response rate. `pooled`: of the rate over several trials.
* `comparison`: two groups of people. `paired`: two treatments in the same people.
* `needed`: numbers needed to treat. `effects`: all comparisons of a table of arms.
* `course`: a course of infusions and what becomes of relief after it.

Why not a library. statsmodels 0.15.0 inverts its score test one table at a time, has no paired
intervals, and solves a wrong cubic for differences (its issue 10269): of 150 random tables 49
failed and others were off by up to 7%. Its ratios agree with those here to nine digits. No package
known here says what the totals of a crossover leave open.
"""

from plcore.trials.comparison import (
    Effect,
    odds_ratio_exact,
    odds_ratio_score,
    probability_better,
    risk_difference_newcombe,
    risk_difference_score,
    risk_difference_z,
    risk_ratio_score,
)
from plcore.trials.course import CourseOutcome, simulate_course
from plcore.trials.course_chance import Chance, draw_chance
from plcore.trials.course_inputs import (
    CLAIMED,
    EVIDENCE,
    INPUTS,
    PLACEBO_ONLY,
    CourseDraws,
    CoursePlan,
    course_draws,
    infusion_days,
    no_boosters,
    repeat_courses,
    single_boosters,
)
from plcore.trials.course_prior import added_response
from plcore.trials.course_summary import course_by_day, course_table, days_to_relapse
from plcore.trials.effects import effects_table
from plcore.trials.needed import NumberNeeded, number_needed
from plcore.trials.paired import (
    PairedBounds,
    crossover_by_correlation,
    crossover_mean_difference,
    feasible_tables,
    mcnemar_exact,
    mcnemar_mid_p,
    paired_bounds,
    paired_difference_newcombe,
    paired_difference_score,
    paired_ratio_score,
)
from plcore.trials.pooled import (
    DEFINITIONS,
    FOLLOW_UP_BANDS,
    PooledRate,
    bayes_pool,
    earliest,
    exact_pool,
    follow_up_band,
    latest,
    one_trial,
    pool_group,
    pool_responses,
)
from plcore.trials.response import (
    JEFFREYS,
    Prior,
    ResponseRate,
    clopper_pearson,
    further_responders,
    further_responders_interval,
    prior_from_earlier,
    prior_from_mean,
    rate_above,
    rate_densest,
    rate_interval,
    rate_quantile,
    response_rate,
    wilson,
)

__all__ = [
    "CLAIMED",
    "DEFINITIONS",
    "EVIDENCE",
    "FOLLOW_UP_BANDS",
    "INPUTS",
    "JEFFREYS",
    "PLACEBO_ONLY",
    "Chance",
    "CourseDraws",
    "CourseOutcome",
    "CoursePlan",
    "Effect",
    "NumberNeeded",
    "PairedBounds",
    "PooledRate",
    "Prior",
    "ResponseRate",
    "added_response",
    "bayes_pool",
    "clopper_pearson",
    "course_by_day",
    "course_draws",
    "course_table",
    "crossover_by_correlation",
    "crossover_mean_difference",
    "days_to_relapse",
    "draw_chance",
    "earliest",
    "effects_table",
    "exact_pool",
    "feasible_tables",
    "follow_up_band",
    "further_responders",
    "further_responders_interval",
    "infusion_days",
    "latest",
    "mcnemar_exact",
    "mcnemar_mid_p",
    "no_boosters",
    "number_needed",
    "odds_ratio_exact",
    "odds_ratio_score",
    "one_trial",
    "paired_bounds",
    "paired_difference_newcombe",
    "paired_difference_score",
    "paired_ratio_score",
    "pool_group",
    "pool_responses",
    "prior_from_earlier",
    "prior_from_mean",
    "probability_better",
    "rate_above",
    "rate_densest",
    "rate_interval",
    "rate_quantile",
    "repeat_courses",
    "response_rate",
    "risk_difference_newcombe",
    "risk_difference_score",
    "risk_difference_z",
    "risk_ratio_score",
    "simulate_course",
    "single_boosters",
    "wilson",
]
