"""A small sample of what `tools/damage.py` does: whatever is damaged gives one sentence or a right reading."""

import importlib.util
from collections import Counter
from pathlib import Path

import pytest

_PATH = Path(__file__).parents[2] / "tools" / "damage.py"
_SPEC = importlib.util.spec_from_file_location("damage", _PATH)
damage = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(damage)


@pytest.mark.filterwarnings("ignore:Observation names are not unique")
@pytest.mark.parametrize("name", damage.KINDS)
def test_damage_is_a_sentence_or_does_no_harm(name, tmp_path):
    copies = 3 if name == "h5ad-of-others" else 12  # each of these is read in a process of its own
    found = Counter(outcome for _, outcome in damage.outcomes(damage.KINDS[name], tmp_path, copies, seed=1))
    assert sum(found.values()) == copies
    assert not set(found) & set(damage.FAULTS)
