"""The audit's tables say what claims.csv says."""

import re

import pytest

from plcore.evidence.claims import (
    audit_table,
    comparable_claims,
    seen_counts,
    verdict_counts,
    verdicts_in_words,
)
from plcore.evidence.data import cite, read
from plcore.evidence.schema import MARKS


def test_the_published_pair_is_printed_as_what_it_counts():
    table = audit_table().set_index("Claim")
    row = table[table["Claimed"] == "3.6 million people"].iloc[0]

    assert row["Found"] == "3.6 million people with limb loss"
    assert row["Verdict"].startswith("misattributed")


def test_ranges_and_one_sided_claims_are_printed_as_such():
    claimed = set(audit_table()["Claimed"])

    assert {
        "60 to 85%",
        "under 10%",
        "0.5 mg/kg",
        "8 to 12 infusions",
        "1970",
        "1 in 190",
    } <= claimed


def test_every_claim_is_counted_once():
    counts = verdict_counts()

    assert counts["claims"].sum() == len(read("claims"))
    assert len(counts) == counts["topic"].nunique() * 4


def test_only_claims_with_numbers_in_the_same_unit_are_compared():
    table = comparable_claims("percent")
    claims = read("claims").set_index("claim")

    assert (claims.loc[table["claim"], "found_unit"] == "percent").all()
    with pytest.raises(ValueError, match="no claim in 'furlongs'"):
        comparable_claims("furlongs")


def test_every_row_is_counted_by_how_it_was_seen():
    counts = seen_counts().groupby("table")["rows"].sum()

    assert all(counts[name] == len(read(name)) for name in counts.index)


def test_a_second_hand_finding_carries_its_mark():
    claims = read("claims")
    second_hand = audit_table()[claims["seen"] == "secondary"]

    assert second_hand["Source"].str.endswith("(second hand)").all()


def test_the_audit_says_page_verdict_finding_and_source_of_its_own_claim():
    for row, claim in zip(
        audit_table().to_dict("records"), read("claims").to_dict("records"), strict=True
    ):
        assert row["Claim"] == claim["statement"]
        assert row["Page"] == cite(claim["page"])
        assert row["Verdict"].split(": ")[0] == claim["verdict"]
        assert row["Verdict"].endswith(claim["qualifier"])
        assert row["What the source says"] == claim["finding"]
        assert row["Source"] == cite(claim["source"], seen=claim["seen"])


def test_limits_of_a_finding_are_printed_no_finer_than_the_number_between_them():
    table, claims = audit_table(), read("claims")
    whole = claims[["found_low", "found", "found_high"]].notna().all(axis=1)
    whole &= claims["found_unit"] == "percent"

    assert whole.any()
    for said, claim in zip(
        table.loc[whole, "Found"], claims[whole].to_dict("records"), strict=True
    ):
        numbers = [claim[name] for name in ("found", "found_low", "found_high")]
        places = len(f"{claim['found']:g}".partition(".")[2])
        middle, low, high = (f"{round(number, places):g}" for number in numbers)
        assert said == f"{middle}% ({low} to {high})"


def test_verdicts_are_counted_by_topic_and_said_in_words():
    counts, claims = verdict_counts(), read("claims")
    pairs = list(zip(claims["topic"], claims["verdict"], strict=True))

    for row in counts.to_dict("records"):
        assert row["claims"] == pairs.count((row["topic"], row["verdict"]))
    said = verdicts_in_words(counts)
    for verdict in set(claims["verdict"]):
        number = (claims["verdict"] == verdict).sum()
        assert re.search(rf"\b{number} (are )?{verdict}\b", said)
    assert said.startswith(f"Of {len(claims)} claims ")


def test_the_numbers_that_are_compared_are_those_of_their_claims():
    claims = read("claims").set_index("claim")
    for row in comparable_claims("percent").set_index("claim").itertuples():
        claim = claims.loc[row.Index]
        for name in ("claimed_low", "claimed", "claimed_high", "found_low", "found", "found_high"):
            assert getattr(row, name) == pytest.approx(claim[name], nan_ok=True)
        assert (row.label, row.verdict, row.seen) == (
            claim["statement"], claim["verdict"], claim["seen"],
        )  # fmt: skip
        assert row.source == cite(claim["source"], seen=claim["seen"])


def test_each_way_of_seeing_is_counted_with_its_mark():
    for row in seen_counts().to_dict("records"):
        assert row["rows"] == list(read(row["table"])["seen"]).count(row["seen"])
        assert row["mark"] == MARKS[row["seen"]]
