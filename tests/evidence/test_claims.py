"""The audit's tables say what claims.csv says."""

import pytest

from plcore.evidence.claims import audit_table, comparable_claims, seen_counts, verdict_counts
from plcore.evidence.data import read


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
