from collections import Counter

from sse_demo import lab


def test_a_module_with_several_public_names_has_none_of_them():
    """Python would put the module in the place of the name, as soon as another name of it was asked for."""
    homes = Counter(lab._HOME_OF.values())
    assert not [name for name, home in lab._HOME_OF.items() if home == f".{name}" and homes[home] > 1]
