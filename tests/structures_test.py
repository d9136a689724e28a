"""The named tuples have TF-GAN's fields, in TF-GAN's order."""

import pytest

import tfgan_lite as tfgan

GAN_FIELDS = (
    "generator_inputs",
    "generated_data",
    "generator_variables",
    "generator_scope",
    "generator_fn",
    "real_data",
    "discriminator_real_outputs",
    "discriminator_gen_outputs",
    "discriminator_variables",
    "discriminator_scope",
    "discriminator_fn",
)
# As TF-GAN 2.1.0 has them; "predication" is its spelling.
FIELDS = {
    "GANModel": GAN_FIELDS,
    "InfoGANModel": (
        *GAN_FIELDS,
        "structured_generator_inputs",
        "predicted_distributions",
        "discriminator_and_aux_fn",
    ),
    "ACGANModel": (
        *GAN_FIELDS,
        "one_hot_labels",
        "discriminator_real_classification_logits",
        "discriminator_gen_classification_logits",
    ),
    "CycleGANModel": ("model_x2y", "model_y2x", "reconstructed_x", "reconstructed_y"),
    "StarGANModel": (
        "input_data",
        "input_data_domain_label",
        "generated_data",
        "generated_data_domain_target",
        "reconstructed_data",
        "discriminator_input_data_source_predication",
        "discriminator_generated_data_source_predication",
        "discriminator_input_data_domain_predication",
        "discriminator_generated_data_domain_predication",
        "generator_variables",
        "generator_scope",
        "generator_fn",
        "discriminator_variables",
        "discriminator_scope",
        "discriminator_fn",
    ),
    "GANLoss": ("generator_loss", "discriminator_loss"),
    "CycleGANLoss": ("loss_x2y", "loss_y2x"),
    "GANTrainOps": (
        "generator_train_op",
        "discriminator_train_op",
        "global_step_inc_op",
        "train_hooks",
    ),
    "GANTrainSteps": ("generator_train_steps", "discriminator_train_steps"),
}
DEFAULTS = {"GANTrainOps": {"train_hooks": ()}}

every_structure = pytest.mark.parametrize("name", FIELDS)


def filled(name):
    """A tuple whose values are its fields' names."""
    return getattr(tfgan, name)(*FIELDS[name])


@every_structure
def test_fields_are_tfgans_in_tfgans_order(name):
    assert getattr(tfgan, name)._fields == FIELDS[name]


@every_structure
def test_only_train_hooks_have_a_default(name):
    assert getattr(tfgan, name)._field_defaults == DEFAULTS.get(name, {})


@every_structure
def test_positional_construction_fills_the_fields_in_order(name):
    assert filled(name)._asdict() == {field: field for field in FIELDS[name]}


@every_structure
def test_replace_changes_one_field_of_a_copy(name):
    before = filled(name)
    first, *others = FIELDS[name]
    after = before._replace(**{first: "new"})
    assert type(after) is type(before)
    assert tuple(after) == ("new", *others)
    assert getattr(before, first) == first


@every_structure
def test_replacing_an_unknown_field_is_an_error(name):
    with pytest.raises(ValueError, match="no_such_field"):
        filled(name)._replace(no_such_field=1)


def test_train_ops_have_no_hooks_unless_given():
    assert tfgan.GANTrainOps("g", "d", "step").train_hooks == ()


def test_infogan_and_acgan_models_are_no_gan_models():
    """As in TF-GAN: `isinstance` tells the kinds apart."""
    assert not isinstance(filled("InfoGANModel"), tfgan.GANModel)
    assert not isinstance(filled("ACGANModel"), tfgan.GANModel)
