"""GANs that translate between domains of pictures: a CycleGAN and a StarGAN, small."""

import os

# TensorFlow's notes on the hardware, a page long, would bury what the programs say.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
