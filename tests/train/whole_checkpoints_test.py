"""A save that fails leaves nothing half-written, and removes nothing that is whole."""

import pytest
import tensorflow as tf

from tfgan_lite.train.whole_checkpoints import WholeCheckpoints


class DiskFull(OSError):
    pass


def fail(*args, **kwargs):
    raise DiskFull


def checkpoints(folder, max_to_keep=1):
    """A number with its checkpoints, of which there is one."""
    number = tf.Variable(1.0)
    made = WholeCheckpoints(tf.train.Checkpoint(number=number), str(folder), max_to_keep)
    made.save(1)
    number.assign(2.0)
    return number, made


@pytest.mark.parametrize("last_step", ["_record_state", "_sweep"])
def test_a_checkpoint_that_is_whole_stays_though_what_follows_fails(
    last_step, tmp_path, monkeypatch
):
    number, made = checkpoints(tmp_path)
    monkeypatch.setattr(made, last_step, fail)
    with pytest.raises(DiskFull):
        made.save(2)
    number.assign(3.0)
    made.checkpoint.restore(made.latest_checkpoint)
    assert number.numpy() == 2.0


def test_a_checkpoint_stays_though_the_list_without_those_before_it_cannot_be_written(
    tmp_path, monkeypatch
):
    number, made = checkpoints(tmp_path)
    record = made._record_state
    monkeypatch.setattr(made, "_record_state", lambda: record() if made.checkpoints[1:] else fail())
    with pytest.raises(DiskFull):
        made.save(2)
    assert not list(tmp_path.glob("ckpt-1.*"))
    number.assign(3.0)
    made.checkpoint.restore(tf.train.latest_checkpoint(str(tmp_path)))
    assert number.numpy() == 2.0


def test_of_a_checkpoint_that_is_not_whole_nothing_stays(tmp_path, monkeypatch):
    number, made = checkpoints(tmp_path)

    def write_a_part(prefix, options):
        (tmp_path / "ckpt-2.data-00000-of-00001").write_bytes(b"half")
        (tmp_path / "ckpt-2_temp").mkdir()
        fail()

    monkeypatch.setattr(made.checkpoint, "_write", write_a_part)
    with pytest.raises(DiskFull):
        made.save(2)
    assert not list(tmp_path.glob("ckpt-2*"))
    made.checkpoint.restore(made.latest_checkpoint)
    assert number.numpy() == 1.0
