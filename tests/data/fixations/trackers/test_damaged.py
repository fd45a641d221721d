"""Damaged files of fixations are read or refused in words: no traceback, and no library's warning."""

import random
import warnings

import pytest

from xgaze.data.fixations.fixation_format import FixationColumns, FixationFormat
from xgaze.data.fixations.loading import read_fixations
from xgaze.errors import InputError

PLAIN = "# by X\np;s;nr;x;y;ms;note\n" + "".join(f'{k // 4};a;{k % 4};{k},5;9;1{k};"so; so"\n' for k in range(12))
EYELINK = (
    "** CONVERTED\n** VERSION: EYELINK II 1\nMSG\t1 DISPLAY_COORDS 0,0 0,0 1023,0 767,0\nMSG\t2 TRIALID 1\n"
    "EVENTS\tGAZE\tRIGHT\n"
    + "".join(f"EFIX {'LR'[k % 2]}   {50 * k}\t{50 * k + 40}\t41\t  1{k},5\t  20,0\t   900\n" for k in range(8))
    + "MSG\t900 !V TRIAL_VAR image a.jpg\nMSG\t901 TRIAL_RESULT 0\n"
)
TOBII = (
    "Recording timestamp [ms]\tParticipant name\tRecording name\tPresented Stimulus name\tEye movement type\t"
    "Gaze event duration [ms]\tEye movement type index\tFixation point X [MCS px]\tFixation point Y [MCS px]\n"
    + "".join(f"{10 * k}\tann\tr\tsea\tFixation\t{90 + k // 2}\t{k // 2}\t{k // 2}\t5\n" for k in range(8))
)
GAZEPOINT = "MEDIA_NAME,FPOGX,FPOGY,FPOGS,FPOGD,FPOGID,FPOGV\n" + "".join(
    f"a,0.{k // 2},0.5,{k // 2},0.0{k + 1},{k // 2},1\n" for k in range(8)
)
COLUMNS = FixationColumns(participant="p", stimulus="s", order="nr", x="x", y="y", duration="ms")
FORMATS = {
    "plain.csv": (PLAIN, {"columns": COLUMNS, "size": (100, 100)}),
    "a.asc": (EYELINK, {"eye": "available"}),
    "tobii.tsv": (TOBII, {"size": (100, 100)}),
    "gazepoint.csv": (GAZEPOINT, {"size": (100, 100)}),
}
PIECES = (
    *(
        b'"',
        b"\x00",
        b"\xff",
        b"\n",
        b"\r",
        b",",
        b";",
        b"\t",
        b"'",
        b"#",
        b"sep=",
        b"-",
        b"NaN",
        b"inf",
        b"1e400",
        b"=1+1",
    ),
    *(
        b"\xef\xbb\xbf",
        b"\xe2\x80\xa8",
        b"1.5",
        b"EFIX R",
        b"EVENTS",
        b"MSG\t1 DISPLAY_COORDS nan 1e400 0 0",
        b"9" * 20,
    ),
)


def damaged(content, rng):
    """Up to three bytes or pieces put in, taken out, put in their place or said twice."""
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(len(content) + 1)
        end = start + rng.randint(0, 30)
        middle = rng.choice([rng.choice(PIECES), b"", content[start:end] * 2])
        content = content[:start] + middle + content[end if rng.random() < 0.7 else start :]
    return content


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_is_read_or_refused_in_words(tmp_path, name):
    text, settings = FORMATS[name]
    path, made = tmp_path / name, FixationFormat(participants="optional", **settings)
    path.write_text(text)
    whole = len(read_fixations(path, made).rows)
    assert whole == {"plain.csv": 12, "a.asc": 4, "tobii.tsv": 4, "gazepoint.csv": 4}[name]
    refused, rng = 0, random.Random(name)
    for _ in range(60):
        path.write_bytes(damaged(text.encode(), rng))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                read_fixations(path, made)
            except InputError as error:
                refused += str(error).startswith(str(path))
    assert 15 < refused < 60
