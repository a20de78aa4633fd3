"""The declared parameters: they are arguments of the models, and their ranges hold the defaults."""

import inspect

import pytest

import fokkerplanck as fp
from fokkerplanck.cases import INITIALS
from fokkerplanck.models.description import HAZARDS, LAWS, MODELS, POLARITIES, model_from_dict
from fokkerplanck.models.parameters import GIVEN, PARAMETERS, STARTS, defaults, described
from fokkerplanck.outcomes import InvalidArgument

TABLES = {**LAWS, "polarity": POLARITIES, "hazard": HAZARDS, "sigma": {"hill": fp.HillDuration}}
every_model = pytest.mark.parametrize("kind", PARAMETERS)


@every_model
def test_every_name_is_an_argument_of_the_model_or_of_its_laws(kind):
    for parameter in PARAMETERS[kind]:
        function = MODELS[kind]
        *slots, last = parameter.name.split(".")
        assert len(slots) == len(parameter.laws)
        for slot, law in zip(slots, parameter.laws, strict=True):
            assert slot in inspect.signature(function).parameters
            function = TABLES[slot][law]
        assert last in inspect.signature(function).parameters
    assert set(GIVEN.get(kind, {})) <= set(inspect.signature(MODELS[kind]).parameters)


@pytest.mark.parametrize("kind", STARTS)
def test_every_parameter_of_a_start_is_an_argument(kind):
    assert [parameter.name for parameter in STARTS[kind]] == list(inspect.signature(INITIALS[kind]).parameters)
    INITIALS[kind](**defaults(STARTS[kind]))


@pytest.mark.parametrize(
    "parameter", [p for table in (PARAMETERS, STARTS) for kind in table for p in table[kind]], ids=lambda p: p.name
)
def test_the_default_lies_within_the_range(parameter):
    assert parameter.low <= parameter.default <= parameter.high
    assert 0.0 < parameter.step <= (parameter.high - parameter.low) / 10.0
    assert parameter.meaning
    assert not parameter.optional or parameter.low == 0.0


@every_model
def test_defaults_and_both_ends_of_each_range_make_a_model(kind):
    model_from_dict(described(kind, {}))
    for parameter in PARAMETERS[kind]:
        for value in (parameter.low, parameter.high):
            if (parameter.name, value) in {("V_R", 3.0), ("V_F", 0.5)}:  # V_R ≥ V_F is for the model to refuse
                continue
            model_from_dict(described(kind, {parameter.name: value}))


def test_a_description_is_the_model():
    description = described("nnlif", {"b": 3.0, "refractory.tau": 0.2, "threshold.epsilon": 0.02})
    expected = fp.nnlif(b=3.0, refractory=fp.ExponentialRefractory(0.2), threshold=fp.RandomThreshold(0.02))
    assert model_from_dict(description) == expected
    assert model_from_dict(described("nnlif", {"b": 3.0})) == fp.nnlif(b=3.0)
    aged = described("time-elapsed", {"hazard.sigma.quiet": 2.0})
    assert model_from_dict(aged).hazard.sigma.quiet == 2.0


def test_unknown_names_are_refused():
    with pytest.raises(InvalidArgument, match=r"`beta` is no parameter of 'nnlif'"):
        described("nnlif", {"beta": 1.0})
    with pytest.raises(InvalidArgument, match=r"Unknown model 'nlif'; did you mean"):
        described("nlif", {})
