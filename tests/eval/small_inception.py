"""A small network in the published Inception graph's shape: the same node names, random weights."""

import functools
import io
import tarfile

import numpy as np
import tensorflow as tf

FEATURES, CLASSES = 4, 6
KERNEL = np.random.default_rng(1).normal(size=[5, 5, 3, FEATURES]).astype(np.float32)
WEIGHTS = np.random.default_rng(2).normal(size=[FEATURES, CLASSES]).astype(np.float32)
BIASES = np.arange(CLASSES, dtype=np.float32)


def network(images):
    """Images [B, 299, 299, 3] from -1 to 1 to features and logits, as the small graph computes."""
    features = tf.reduce_mean(tf.nn.leaky_relu(tf.nn.conv2d(images, KERNEL, 8, "VALID")), [1, 2])
    return features.numpy(), features.numpy() @ WEIGHTS


@functools.cache  # Serialised twice, it need not be the same bytes.
def graph_bytes():
    """The graph, serialised; for one image at a time, as the published one."""
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        content = v1.placeholder(tf.string, [], name="DecodeJpeg/contents")
        decoded = tf.image.decode_jpeg(content, channels=3, name="DecodeJpeg")
        images = tf.expand_dims(tf.cast(decoded, tf.float32, name="Cast"), 0, name="ExpandDims")
        resized = v1.image.resize_bilinear(images, [299, 299], name="ResizeBilinear")
        shifted = tf.subtract(resized, 128.0, name="Sub")
        net = tf.multiply(tf.reshape(shifted, [1, 299, 299, 3]), 1 / 128, name="Mul")
        net = tf.nn.leaky_relu(tf.nn.conv2d(net, KERNEL, 8, "VALID"))
        size = net.shape[1]
        pool = tf.nn.avg_pool2d(net, size, size, "VALID", name="pool_3")
        flat = tf.reshape(pool, [1, FEATURES], name="pool_3/_reshape")
        weights = tf.constant(WEIGHTS, name="softmax/weights")
        product = tf.matmul(flat, weights, name="softmax/logits/MatMul")
        tf.nn.softmax(tf.add(product, BIASES, name="softmax/logits"), name="softmax")
    return graph.as_graph_def().SerializeToString()


def archive_bytes(name="classify_image_graph_def.pb"):
    """The graph in an archive as the published one, between other files."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for member, content in [("LICENSE", b"free"), (name, graph_bytes()), ("map.txt", b"n1")]:
            info = tarfile.TarInfo(member)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


class TFGANModule(tf.Module):
    """A SavedModel as tfgan/eval/inception/1: called, it gives a mapping."""

    def __init__(self):
        self.kernel, self.weights = tf.Variable(KERNEL), tf.Variable(WEIGHTS)

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])])
    def __call__(self, images):
        images = tf.image.resize(images, [299, 299])
        pool = tf.reduce_mean(
            tf.nn.leaky_relu(tf.nn.conv2d(images, self.kernel, 8, "VALID")), [1, 2]
        )
        return {"pool_3": pool, "logits": pool @ self.weights}
