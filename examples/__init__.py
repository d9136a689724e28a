"""Programs that use tfgan_lite, each in a package of its own."""
