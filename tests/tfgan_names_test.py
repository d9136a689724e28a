"""TF-GAN's public names are here, with its arguments, their order and their defaults.

The tables are of TF-GAN 2.1.0. More arguments after its own, and by keyword only, are welcome.
"""

import inspect

import pytest

import tfgan_lite as tfgan

REDUCTION = "reduction='weighted_sum_by_nonzero_weights'"
TAIL = f"scope=None, loss_collection, {REDUCTION}, add_summaries"  # Of losses; see `ANY`.
# Arguments of which the default may be another: none collects losses, and summaries are hooks'.
ANY = {"loss_collection", "add_summaries", "get_hooks_fn"}
SCOPES = "generator_scope='Generator', discriminator_scope='Discriminator'"
GP = "gradient_penalty_epsilon=1e-10, gradient_penalty_target=1.0, gradient_penalty_one_sided=False"
NORM = (
    "activation_fn=None, param_initializers=None, reuse=None, outputs_collections=None,"
    " trainable=True"
)
WEIGHTS = "real_weights=1.0, generated_weights=1.0"
BOTH = "discriminator_real_outputs, discriminator_gen_outputs"
CLASSES = "discriminator_real_classification_logits, discriminator_gen_classification_logits"
INPUTS = "input_tensor1, input_tensor2, classifier_fn, num_batches=1"
KERNEL = "max_block_size=1024, dtype=None"

FIELDS = {
    "GANLoss": "generator_loss, discriminator_loss",
    "CycleGANLoss": "loss_x2y, loss_y2x",
    "GANTrainSteps": "generator_train_steps, discriminator_train_steps",
    "GANTrainOps": "generator_train_op, discriminator_train_op, global_step_inc_op, train_hooks",
    "CycleGANModel": "model_x2y, model_y2x, reconstructed_x, reconstructed_y",
    "GANModel": (
        "generator_inputs, generated_data, generator_variables, generator_scope, generator_fn,"
        " real_data, discriminator_real_outputs, discriminator_gen_outputs,"
        " discriminator_variables, discriminator_scope, discriminator_fn"
    ),
    "StarGANModel": (
        "input_data, input_data_domain_label, generated_data, generated_data_domain_target,"
        " reconstructed_data, discriminator_input_data_source_predication,"
        " discriminator_generated_data_source_predication,"
        " discriminator_input_data_domain_predication,"
        " discriminator_generated_data_domain_predication, generator_variables, generator_scope,"
        " generator_fn, discriminator_variables, discriminator_scope, discriminator_fn"
    ),
}
FIELDS["InfoGANModel"] = (
    f"{FIELDS['GANModel']}, structured_generator_inputs, predicted_distributions,"
    " discriminator_and_aux_fn"
)
FIELDS["ACGANModel"] = (
    f"{FIELDS['GANModel']}, one_hot_labels, discriminator_real_classification_logits,"
    " discriminator_gen_classification_logits"
)

FUNCTIONS = {
    "gan_model": (
        f"generator_fn, discriminator_fn, real_data, generator_inputs, {SCOPES}, check_shapes=True"
    ),
    "infogan_model": (
        "generator_fn, discriminator_fn, real_data, unstructured_generator_inputs,"
        f" structured_generator_inputs, {SCOPES}"
    ),
    "acgan_model": (
        "generator_fn, discriminator_fn, real_data, generator_inputs, one_hot_labels,"
        f" {SCOPES}, check_shapes=True"
    ),
    "cyclegan_model": (
        f"generator_fn, discriminator_fn, data_x, data_y, {SCOPES}, model_x2y_scope='ModelX2Y',"
        " model_y2x_scope='ModelY2X', check_shapes=True"
    ),
    "stargan_model": (
        f"generator_fn, discriminator_fn, input_data, input_data_domain_label, {SCOPES}"
    ),
    "gan_loss": (
        "model, generator_loss_fn=wasserstein_generator_loss,"
        f" discriminator_loss_fn=wasserstein_discriminator_loss, gradient_penalty_weight=None,"
        f" {GP},"
        " mutual_information_penalty_weight=None, aux_cond_generator_weight=None,"
        f" aux_cond_discriminator_weight=None, tensor_pool_fn=None, {REDUCTION}, add_summaries"
    ),
    "cyclegan_loss": (
        "model, generator_loss_fn=least_squares_generator_loss,"
        " discriminator_loss_fn=least_squares_discriminator_loss,"
        " cycle_consistency_loss_fn=cycle_consistency_loss, cycle_consistency_loss_weight=10.0"
    ),
    "stargan_loss": (
        "model, generator_loss_fn=wasserstein_generator_loss,"
        f" discriminator_loss_fn=wasserstein_discriminator_loss, gradient_penalty_weight=10.0,"
        f" {GP},"
        " reconstruction_loss_fn=absolute_difference, reconstruction_loss_weight=10.0,"
        " classification_loss_fn=softmax_cross_entropy, classification_loss_weight=1.0,"
        " classification_one_hot=True, add_summaries"
    ),
    "gan_train_ops": (
        "model, loss, generator_optimizer, discriminator_optimizer,"
        " check_for_unused_update_ops=True, is_chief=True"
    ),
    "gan_train": (
        "train_ops, logdir, get_hooks_fn, master='', is_chief=True, scaffold=None, hooks=None,"
        " chief_only_hooks=None, save_checkpoint_secs=600, save_summaries_steps=100,"
        " max_wait_secs=7200, config=None"
    ),
    "RunTrainOpsHook": "train_ops, train_steps",
    "get_sequential_train_hooks": "train_steps",
    "get_joint_train_hooks": "train_steps",
    "get_sequential_train_steps": "train_steps",
    "features.clip_variables": "optimizer, variables, weight_clip",
    "features.clip_discriminator_weights": "optimizer, model, weight_clip",
    "features.condition_tensor": "tensor, conditioning",
    "features.condition_tensor_from_onehot": "tensor, one_hot_labels, embedding_size=256",
    "features.instance_norm": (
        f"inputs, center=True, scale=True, epsilon=1e-6, {NORM}, data_format='NHWC', scope=None"
    ),
    "features.group_norm": (
        "inputs, groups=32, channels_axis=-1, reduction_axes=(-3, -2), center=True, scale=True,"
        f" epsilon=1e-6, {NORM}, scope=None, mean_close_to_zero=False"
    ),
    "features.tensor_pool": (
        "input_values, pool_size=50, pooling_probability=0.5, name='tensor_pool'"
    ),
    "features.compute_spectral_norm": (
        "w_tensor, power_iteration_rounds=1, training=True, name=None"
    ),
    "features.spectral_normalize": (
        "w, power_iteration_rounds=1, equality_constrained=True, training=True, name=None"
    ),
    "features.spectral_norm_regularizer": (
        "scale, power_iteration_rounds=1, training=True, scope=None"
    ),
    "features.spectral_normalization_custom_getter": (
        "name_filter=keras_and_v1_kernels, power_iteration_rounds=1, equality_constrained=True,"
        " training=True"
    ),
    "features.VBN": (
        "reference_batch, axis=-1, epsilon=1e-3, center=True, scale=True, beta_initializer,"
        " gamma_initializer, beta_regularizer=None, gamma_regularizer=None, trainable=True,"
        " name=None, batch_axis=0"
    ),
    "tpu.batch_norm": (
        "inputs, is_training, conditional_class_labels=None, axis=-1, variance_epsilon=1e-3,"
        " center=True, scale=True, beta_initializer, gamma_initializer, batch_axis=0,"
        " name='batch_norm'"
    ),
    "tpu.standardize_batch": (
        "inputs, is_training, offset=None, scale=None, decay=0.999, epsilon=1e-3,"
        " data_format='NHWC', use_moving_averages=True, use_cross_replica_mean=None"
    ),
    "eval.run_classifier_fn": (
        "input_tensor, classifier_fn, num_batches=1, dtypes=None, name='RunClassifierFn'"
    ),
    "eval.sample_and_run_classifier_fn": "sample_fn, sample_inputs, classifier_fn, dtypes=None",
    "eval.classifier_score": "input_tensor, classifier_fn, num_batches=1",
    "eval.classifier_score_streaming": "input_tensor, classifier_fn, num_batches=1",
    "eval.classifier_score_from_logits": "logits",
    "eval.classifier_score_from_logits_streaming": "logits",
    "eval.frechet_classifier_distance": INPUTS,
    "eval.frechet_classifier_distance_streaming": INPUTS,
    "eval.frechet_classifier_distance_from_activations": "activations1, activations2",
    "eval.frechet_classifier_distance_from_activations_streaming": "activations1, activations2",
    "eval.mean_only_frechet_classifier_distance_from_activations": "activations1, activations2",
    "eval.diagonal_only_frechet_classifier_distance_from_activations": (
        "activations1, activations2"
    ),
    "eval.kernel_classifier_distance": f"{INPUTS}, {KERNEL}",
    "eval.kernel_classifier_distance_and_std": f"{INPUTS}, {KERNEL}",
    "eval.kernel_classifier_distance_from_activations": f"activations1, activations2, {KERNEL}",
    "eval.kernel_classifier_distance_and_std_from_activations": (
        f"activations1, activations2, {KERNEL}"
    ),
    "eval.classifier_fn_from_tfhub": "tfhub_module, output_fields, return_tensor=False",
    "eval.run_inception": "input_tensor",
    "eval.sample_and_run_inception": "sample_fn, sample_inputs",
    "eval.inception_score": "input_tensor",
    "eval.inception_score_streaming": "input_tensor",
    "eval.frechet_inception_distance": "input_tensor1, input_tensor2",
    "eval.frechet_inception_distance_streaming": "input_tensor1, input_tensor2",
    "eval.kernel_inception_distance": "input_tensor1, input_tensor2",
    "eval.kernel_inception_distance_and_std": "input_tensor1, input_tensor2",
    "eval.sliced_wasserstein_distance": (
        "real_images, fake_images, resolution_min=16, patches_per_image=64, patch_size=7,"
        " random_sampling_count=1, random_projection_dim=147, use_svd=False"
    ),
    "eval.add_gan_model_image_summaries": "gan_model, grid_size=4, model_summaries=True",
    "eval.add_image_comparison_summaries": "gan_model, num_comparisons=2, display_diffs=False",
    "eval.add_gan_model_summaries": "gan_model",
    "eval.add_regularization_loss_summaries": "gan_model",
    "eval.add_cyclegan_image_summaries": "cyclegan_model",
    "eval.add_stargan_image_summaries": "stargan_model, num_images=2, display_diffs=False",
    "eval.image_grid": "input_tensor, grid_shape, image_shape=(32, 32), num_channels=3",
    "eval.python_image_grid": "input_array, grid_shape",
    "eval.image_reshaper": "images, num_cols=None",
    "losses.combine_adversarial_loss": (
        "gan_loss, gan_model, non_adversarial_loss, weight_factor=None, gradient_ratio=None,"
        " gradient_ratio_epsilon=1e-6, scalar_summaries=True, gradient_summaries=True"
    ),
    "losses.stargan_generator_loss_wrapper": "loss_fn",
    "losses.stargan_discriminator_loss_wrapper": "loss_fn",
    "losses.stargan_gradient_penalty_wrapper": "loss_fn",
    "losses.wargs.combine_adversarial_loss": (
        "main_loss, adversarial_loss, weight_factor=None, gradient_ratio=None,"
        " gradient_ratio_epsilon=1e-6, variables=None, scalar_summaries=True,"
        " gradient_summaries=True, scope=None"
    ),
    "losses.wargs.cycle_consistency_loss": (
        "data_x, reconstructed_data_x, data_y, reconstructed_data_y, scope=None, add_summaries"
    ),
}

LOSSES = {
    "wasserstein_generator_loss": f"discriminator_gen_outputs, weights=1.0, {TAIL}",
    "wasserstein_discriminator_loss": f"{BOTH}, {WEIGHTS}, {TAIL}",
    "wasserstein_hinge_generator_loss": f"discriminator_gen_outputs, weights=1.0, {TAIL}",
    "wasserstein_hinge_discriminator_loss": (
        f"{BOTH}, {WEIGHTS}, real_hinge=1.0, generated_hinge=1.0, {TAIL}"
    ),
    "wasserstein_gradient_penalty": (
        "real_data, generated_data, generator_inputs, discriminator_fn, discriminator_scope,"
        f" epsilon=1e-10, target=1.0, one_sided=False, weights=1.0, {TAIL}"
    ),
    "minimax_generator_loss": (
        f"discriminator_gen_outputs, label_smoothing=0.0, weights=1.0, {TAIL}"
    ),
    "minimax_discriminator_loss": f"{BOTH}, label_smoothing=0.25, {WEIGHTS}, {TAIL}",
    "modified_generator_loss": (
        f"discriminator_gen_outputs, label_smoothing=0.0, weights=1.0, {TAIL}"
    ),
    "modified_discriminator_loss": f"{BOTH}, label_smoothing=0.25, {WEIGHTS}, {TAIL}",
    "least_squares_generator_loss": (
        f"discriminator_gen_outputs, real_label=1, weights=1.0, {TAIL}"
    ),
    "least_squares_discriminator_loss": (f"{BOTH}, real_label=1, fake_label=0, {WEIGHTS}, {TAIL}"),
    "relativistic_generator_loss": BOTH,
    "relativistic_discriminator_loss": BOTH,
    "acgan_discriminator_loss": (
        f"{CLASSES}, one_hot_labels, label_smoothing=0.0, {WEIGHTS}, {TAIL}"
    ),
    "acgan_generator_loss": (
        f"discriminator_gen_classification_logits, one_hot_labels, weights=1.0, {TAIL}"
    ),
    "mutual_information_penalty": (
        f"structured_generator_inputs, predicted_distributions, weights=1.0, {TAIL}"
    ),
}

CONSTANTS = {
    "INCEPTION_TFHUB": "https://tfhub.dev/tensorflow/tfgan/eval/inception/1",
    "INCEPTION_OUTPUT": "logits",
    "INCEPTION_FINAL_POOL": "pool_3",
    "INCEPTION_DEFAULT_IMAGE_SIZE": 299,
}


def find(path):
    value = tfgan
    for name in path.split("."):
        value = getattr(value, name)
    return value


def arguments(text):
    """(name, default as text or None) of "a, b=1, c=(2, 3)"."""
    parsed = inspect.signature(eval(f"lambda {_defaults_quoted(text)}: None")).parameters.values()
    return [(p.name, None if p.default is p.empty else p.default) for p in parsed]


def _defaults_quoted(text):
    """Defaults as strings; names of arguments of any default get one too, as Python asks for it."""
    parts, depth = [""], 0
    for letter in text:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    pairs = [part.strip().partition("=") for part in parts]
    begun, quoted = False, []
    for name, _, default in pairs:
        begun = begun or bool(default)
        quoted.append(f"{name}={default!r}" if begun else name)
    return ", ".join(quoted)


def _matches(given, expected):
    if expected in (None, ""):
        return True
    if callable(given):
        return given.__name__ == expected
    return given == eval(expected)


def check(function, text, skip=0):
    mine = list(inspect.signature(function).parameters.values())
    mine = [p for p in mine if p.kind is not p.VAR_KEYWORD][skip:]
    for parameter, (name, default) in zip(mine, arguments(text)):
        assert parameter.name == name
        if default is not None and name not in ANY:
            assert _matches(parameter.default, default), (name, parameter.default)
    assert len(mine) >= len(arguments(text))
    for more in mine[len(arguments(text)) :]:
        assert more.default is not more.empty, f"{more.name} is new and has no default"


@pytest.mark.parametrize("name", FIELDS)
def test_a_tuple_has_its_fields_in_their_order(name):
    assert list(getattr(tfgan, name)._fields) == FIELDS[name].split(", ")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_takes_its_arguments(name):
    check(find(name), FUNCTIONS[name])


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_on_plain_arguments_takes_them(name):
    check(getattr(tfgan.losses.wargs, name), LOSSES[name])


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_on_a_model_takes_the_model_and_keywords(name):
    parameters = inspect.signature(getattr(tfgan.losses, name)).parameters
    model, *others = parameters.values()
    assert model.name == "gan_model"
    assert all(p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in others)
    assert {n for n, _ in arguments(LOSSES[name])} <= set(parameters)


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_has_its_value(name):
    assert getattr(tfgan.eval, name) == CONSTANTS[name]


def test_train_op_options_are_those_of_create_train_op():
    parameters = inspect.signature(tfgan.gan_train_ops).parameters
    for name in (
        "update_ops variables_to_train transform_grads_fn summarize_gradients gate_gradients"
        " aggregation_method colocate_gradients_with_ops check_numerics"
    ).split():
        assert parameters[name].kind is inspect.Parameter.KEYWORD_ONLY


def test_the_estimator_s_absence_names_what_to_use():
    with pytest.raises(AttributeError, match="docs/migrating_from_tfgan.md"):
        _ = tfgan.estimator
