"""Folders and zip archives: what is found, what is a class, and all that is wrong at once."""

import io
import os
import shutil
import struct
import zipfile
import zlib

import pytest
from PIL import Image

import tfgan_lite as tfgan
from tests.data.pictures import encoded, noise, write

PNG, JPEG = encoded(noise()), encoded(noise(), "jpeg")


def packed(folder, path):
    """Packs a folder and returns the archive's path."""
    return shutil.make_archive(str(path), "zip", folder)


@pytest.fixture(params=["folder", "zip"])
def kept(request, tmp_path):
    """A function that writes files, as `write` does, and returns the folder or the archive."""

    def keep(**contents):
        folder = write(tmp_path / "photos", **contents)
        return folder if request.param == "folder" else packed(folder, tmp_path / "photos")

    return keep


def bad_files(path, **options):
    with pytest.raises(tfgan.data.BadFilesError) as raised:
        tfgan.data.load(path, **options)
    for bad in raised.value.bad_files:
        assert f"{bad.name}: {bad.reason}" in str(raised.value)
    return dict(raised.value.bad_files)


def test_folders_are_classes_in_alphabetical_order(kept):
    images = tfgan.data.load(kept(dogs__a_png=PNG, cats__b_jpg=JPEG, cats__deep__c_PNG=PNG))
    assert images.class_names == ("cats", "dogs")
    assert dict(zip(images.names, images.labels)) == {
        "cats/b.jpg": 0,
        "cats/deep/c.PNG": 0,
        "dogs/a.png": 1,
    }


def test_images_that_are_all_in_one_folder_have_no_labels(kept):
    assert tfgan.data.load(kept(all__a_png=PNG, all__b_png=PNG)).labels is None


def test_images_beside_classes_are_an_error(kept):
    with pytest.raises(ValueError, match=r"1 beside them, such as 'c\.png'"):
        tfgan.data.load(kept(cats__a_png=PNG, dogs__b_png=PNG, c_png=PNG))


def test_folders_called_train_and_test_are_splits(kept):
    path = kept(train__a__1_png=PNG, train__b__2_png=PNG, test__a__3_png=PNG)
    assert tfgan.data.load(path).class_names == ("a", "b")
    assert [name[-5:] for name in tfgan.data.load(path, split="test").names] == ["3.png"]
    with pytest.raises(tfgan.data.MissingSplitError, match="no split 'val', only test, train"):
        tfgan.data.load(path, split="val")


def test_other_and_hidden_files_are_left_alone(kept, tmp_path):
    write(tmp_path / "photos" / "__MACOSX", c_png=b"x")
    path = kept(a_png=PNG, notes_txt=b"x", _hidden__b_png=b"x", _DS=b"x")
    images = tfgan.data.load(path)
    assert list(images.names) == ["a.png"]
    assert images.card.ignored == {".txt": 1}


def test_all_bad_files_are_told_together(kept):
    found = bad_files(
        kept(
            good_png=PNG,
            empty_png=b"",
            cut_png=PNG[:200],
            cut_jpg=JPEG[: len(JPEG) // 2],
            head_jpg=JPEG[:10],
            text_png=b"<html>not found</html>",
            modern_webp=encoded(noise(), "webp"),
            palette_bmp=encoded(noise(), "bmp", "P"),
            film_gif=b"GIF89a" + bytes(4),
        )
    )
    reasons = {
        "empty.png": "is empty",
        "cut.png": "cannot be decoded: Invalid PNG data",
        "cut.jpg": "cannot be decoded",
        "head.jpg": "cut short",
        "text.png": "unknown kind (it starts with b'<htm')",
        "modern.webp": "is WebP",
        "palette.bmp": "palette: convert it to PNG",
        "film.gif": "cut short",
    }
    assert found.keys() == reasons.keys()
    for name, reason in reasons.items():
        assert reason in found[name]


def test_bad_files_can_be_left_out(kept):
    images = tfgan.data.load(kept(a__1_png=PNG, a__2_png=b"", b__3_png=PNG), skip_bad=True)
    assert images.labels.tolist() == [0, 1] and len(images.pixels) == 2
    assert images.card.num_skipped == 1


def test_where_there_are_no_images_it_says_so(kept):
    with pytest.raises(ValueError, match="has no images.*1 other files are not images"):
        tfgan.data.load(kept(notes_txt=b"x"))


def declaring(width, height):
    """Returns a PNG of a few bytes that declares many pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header
    return start + struct.pack(">I", zlib.crc32(header))


def test_a_decompression_bomb_is_refused_before_it_is_decoded(kept):
    frames = [Image.fromarray(noise(40, 40, seed=seed)) for seed in range(20)]
    film = io.BytesIO()
    frames[0].save(film, "gif", save_all=True, append_images=frames[1:])
    path = kept(bomb_png=declaring(100_000, 100_000), film_gif=film.getvalue(), good_png=PNG)
    found = bad_files(path, image_size=8, max_pixels=10_000)
    assert "declares 10000000000 pixels, more than max_pixels=10000" in found["bomb.png"]
    assert "declares" in found["film.gif"] and len(found) == 2


def test_a_file_longer_than_its_pixels_could_be_is_not_read_to_its_end(kept):
    found = bad_files(kept(a_png=PNG + bytes(2**21), good_png=PNG), max_pixels=144)
    assert "is longer than" in found["a.png"]


def test_links_out_of_the_folder_and_what_is_no_file_are_refused(tmp_path):
    write(tmp_path, secret_png=PNG, photos__a_png=PNG, elsewhere__b_png=PNG)
    photos = tmp_path / "photos"
    (photos / "inside.png").symlink_to("a.png")
    (photos / "outside.png").symlink_to("../secret.png")
    (photos / "broken.png").symlink_to("nowhere")
    (photos / "folder").symlink_to("../elsewhere")
    os.mkfifo(photos / "pipe.png")
    found = bad_files(photos)
    assert found.keys() == {"outside.png", "broken.png", "folder", "pipe.png"}
    assert "leads out of the folder" in found["outside.png"]
    assert "leads out of the folder" in found["folder"]
    assert found["pipe.png"] == "is not a file"


def test_names_that_lead_out_of_an_archive_are_refused(tmp_path):
    path = tmp_path / "photos.zip"
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("a.png", "../b.png", "/c.png", "x/../../d.png", "C:/e.png"):
            archive.writestr(name, PNG)
        archive.writestr(link, "../secret.png")
    found = bad_files(path)
    assert len(found) == 5 and "a.png" not in found
    assert "is a symbolic link" in found.pop("link.png")
    assert set(found.values()) == {"leads out of the archive: pack it anew"}


def test_a_damaged_member_is_named_and_a_damaged_archive_too(tmp_path):
    path = packed(write(tmp_path / "photos", a_png=PNG, b_png=PNG), tmp_path / "photos")
    content = bytearray(open(path, "rb").read())
    content[60:90] = bytes(30)
    open(path, "wb").write(content)
    assert "cannot be unpacked" in bad_files(path)["a.png"]
    open(path, "wb").write(content[:100])
    with pytest.raises(ValueError, match="no whole zip archive"):
        tfgan.data.load(path)


def test_control_characters_in_a_name_do_not_reach_the_terminal(tmp_path):
    (tmp_path / "a\x1b[2J.png").write_bytes(b"")
    with pytest.raises(tfgan.data.BadFilesError) as raised:
        tfgan.data.load(tmp_path)
    assert "\x1b" not in str(raised.value) and r"a\x1b[2J.png" in str(raised.value)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"image_size": 0}, "image_size must be"),
        ({"image_size": (8, 8, 3)}, "image_size must be"),
        ({"channels": 2}, "channels must be 1"),
        ({"fit": "pad"}, "one of crop, stretch, not 'pad'"),
        ({"background": 300}, "from 0 to 255"),
        ({"max_pixels": 0}, "at least 1"),
        ({"kind": "folders"}, "Unknown kind 'folders': choose one of folder, zip"),
        ({"image_key": "x"}, "are for tfrecord and tfds, not for folder"),
        ({"kind": "zip"}, "no whole zip archive"),
    ],
)
def test_arguments_that_make_no_sense(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        tfgan.data.load(write(tmp_path, a_png=PNG), **arguments)


def test_a_path_that_is_not_there_or_of_no_known_kind(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no .*absent"):
        tfgan.data.load(tmp_path / "absent")
    with pytest.raises(ValueError, match="neither a folder nor"):
        tfgan.data.load(write(tmp_path, a_txt=b"x") / "a.txt")
