"""The clinic once more, patient by patient and event by event, to hold `plcore.clinic` against.

One replication; plain Python lists, a heap for the chairs. It shares the random numbers, the
appointments of a day and nothing else.
"""

import heapq
import math
from collections import Counter
from types import SimpleNamespace

import numpy as np
from scipy.special import ndtri

from plcore.clinic.day import appointments
from plcore.clinic.patients import states, uniform


class Patient(SimpleNamespace):
    """Number, day of referral, and what has happened so far."""


def clinic_by_hand(
    plan, x, referred, relief, is_open, *, seed, run, n_runs, draw=0, n_draws=1, n_days=None
):
    """Totals by day (a list of Counters) and the patients of one replication.

    `is_open` may go on after `n_days`, for patients who are then followed on.
    """
    last, n_days = len(is_open), len(is_open) if n_days is None else n_days

    def chance(kind, patient, occasion=0):
        state = states(kind, n_runs, n_draws=n_draws, seed=seed)[draw, run : run + 1]
        return float(uniform(state, np.array([patient]), np.array([occasion]))[0])

    def mean_patience():
        return x.get("patience_days", math.inf)

    patients = [
        Patient(
            number=i, referred=int(day), fate="waiting", bookings=0, had=0, place=0, missed=0,
            returns=0, since=0, offered=last, first=last, completed=last, begun=0,
            ready=0 if day < 0 else int(day) + round(x.get("lead_days", 0.0)),
            gone=max(int(day), 0) - math.log(chance("patience", i)) * mean_patience(),
            relief=relief[int(chance("relief", i) * len(relief))],
        )
        for i, day in enumerate(referred)
        if day < n_days
    ]  # fmt: skip
    for p in patients:
        sex = "male" if chance("male", p.number) < x["male_share"] else "female"
        score = float(ndtri(chance("weight", p.number)))
        weight = x[f"{sex}_weight"] * math.exp(x[f"{sex}_weight_spread"] * score)
        p.mg = plan.dose.mg + plan.dose.mg_per_kg * weight
    booked_for = {day: [] for day in range(last)}
    put_off, waiting, days = [], list(patients), []
    broken_off_returns = 0

    def next_open(day):
        while day < last and not is_open[day]:
            day += 1
        return min(day, last)

    def book(p, day):
        if next_open(day) < last:
            booked_for[next_open(day)].append(p)

    def after_infusion(p, today, is_return, dates):
        if p.place < len(dates):
            if chance("dropout", p.number, p.had) < x["dropout"]:
                p.fate = p.fate if is_return else "dropped_out"
            elif (
                not is_return
                and math.isnan(p.relief)
                and p.had == plan.course.stop_without_relief_after
            ):
                p.fate = "stopped_without_relief"
            else:
                return max(p.begun + dates[p.place], today + 1)
            return None
        if not is_return:
            p.fate, p.completed = "completed", today
        if math.isnan(p.relief) or p.returns == plan.course.max_returns:
            return None
        back = today + math.ceil(p.relief) + plan.course.wait_days
        if chance("uptake", p.number, p.returns) >= x["return_uptake"] or back >= last:
            return None
        p.returns += 1
        p.place = 0
        return back

    def unseen(p):
        waits = p.fate == "waiting" and p.gone > today
        return waits or (p.fate == "under_way" and p.had == 0)

    at_end = None
    for today in range(last):
        if today == n_days:
            at_end = [Patient(**vars(p)) for p in patients], broken_off_returns
        if today >= n_days and not any(unseen(p) for p in patients):
            break
        day_plan = [plan_then for start, plan_then in plan.periods if start <= today][-1]
        slots = appointments(day_plan)
        capacity = math.floor(len(slots) * plan.overbooking + 1e-9) - plan.other_visits
        note = Counter()
        days.append(note)
        if is_open[today]:
            due, called_off, missed, going_on, coming_back = list(put_off), [], [], [], []
            put_off = []
            for p in booked_for[today]:
                p.bookings += 1
                if chance("cancellation", p.number, p.bookings) < x["cancellation"]:
                    called_off.append(p)
                else:
                    p.since = today
                    due.append(p)
            note["cancelled"] = len(called_off)
            for p in called_off:
                book(p, today + plan.rebook_days)
            here = due[:capacity]
            for p in due[capacity:]:
                if next_open(today + 1) - p.since <= plan.most_delay_days:
                    put_off.append(p)
                elif p.returns:
                    broken_off_returns += 1
                else:
                    p.fate = "broken_off"
            while len(here) < capacity and waiting and waiting[0].ready <= today:
                p = waiting.pop(0)
                if p.gone <= today:
                    p.fate = "gave_up_waiting"
                    continue
                p.offered, p.fate, p.bookings = today, "under_way", 1
                note["first_offers"] += 1
                here.append(p)
            note["booked"] = len(here)
            free = [0.0] * day_plan.chairs
            for place, p in enumerate(here):
                absent = x["no_show"] if p.had else x["first_no_show"]
                if chance("no_show", p.number, p.bookings) < absent:
                    note["no_shows"] += 1
                    missed.append(p)
                    continue
                recovery = x["recovery_minutes"] * math.exp(
                    x["recovery_spread"] * float(ndtri(chance("recovery", p.number, p.had)))
                )
                if chance("side_effect", p.number, p.had) < x["side_effect"]:
                    recovery += x["extra_minutes"]
                minutes = day_plan.infusion_minutes + recovery
                asked = slots[place * len(slots) // capacity]
                start = max(asked, heapq.heappop(free))
                heapq.heappush(free, start + minutes + day_plan.turnover_minutes)
                note["late_minutes"] += start - asked
                note["chair_minutes"] += minutes
                note["nurse_minutes"] += (
                    day_plan.infusion_minutes / day_plan.patients_per_nurse
                    + recovery / day_plan.recovering_per_nurse
                )
                note["overtime_minutes"] = max(
                    note["overtime_minutes"], start + minutes - day_plan.open_minutes
                )
                note["infusions"] += 1
                note["mg"] += p.mg
                note["vials"] += math.ceil(p.mg / plan.dose.vial_mg)
                p.first = min(p.first, today)
                p.begun = p.begun if p.place else today
                p.had += 1
                p.place += 1
                is_return = p.returns > 0
                dates = plan.course.return_days if is_return else plan.course.course_days
                ends = p.place == len(dates)
                day = after_infusion(p, today, is_return, dates)
                if day is not None:
                    (coming_back if ends else going_on).append((p, day))
            for p in missed:
                p.missed += 1
                if p.missed <= plan.most_missed:
                    book(p, today + plan.rebook_days)
                elif not p.returns:
                    p.fate = "missed_visits"
            for p, day in going_on + coming_back:
                book(p, day)
        note["waiting"] = sum(p.referred <= today < p.gone for p in waiting)
        note["ready"] = sum(p.ready <= today < p.gone for p in waiting)
    then, broken_off = at_end or ([Patient(**vars(p)) for p in patients], broken_off_returns)
    for p in then:
        if p.fate == "waiting" and p.gone <= n_days - 1:
            p.fate = "gave_up_waiting"
    return days[:n_days], patients, then, broken_off
