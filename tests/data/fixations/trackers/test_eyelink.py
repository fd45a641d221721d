"""EyeLink: eyes that change, trials taken for stimuli, and sizes with decimal commas."""

import pytest

from xgaze.data.fixations.fixation_format import FixationFormat
from xgaze.data.fixations.loading import read_fixations
from xgaze.errors import InputError

HEAD = "** CONVERTED FROM a.edf\n** TYPE: EDF_FILE BINARY EVENT SAMPLE TAGGED\n** VERSION: EYELINK II 1\n"
SIZE = "MSG\t1 DISPLAY_COORDS 0 0 1919 1079\n"
OPTIONAL = FixationFormat(participants="optional")


def trial(number, eyes, picture=None):
    """Three fixations of each eye; x is 100 x trial + 10 x eye + number."""
    at = 1000 * number
    lines = [f"MSG\t{at} TRIALID {number}"]
    for k in range(3):
        for e, eye in enumerate(eyes):
            x = 100 * number + 10 * "LR".index(eye) + k
            lines.append(f"EFIX {eye}   {at + 50 * k + e}\t{at + 50 * k + 40}\t{40 - e}\t  {x}.5\t  20.0\t   900")
    lines += [f"MSG\t{at + 900} !V TRIAL_VAR image {picture}"] if picture else []
    lines += [f"MSG\t{at + 900} !V TRIAL_VAR image2 wrong"] if picture else []
    return "\n".join([*lines, f"MSG\t{at + 901} TRIAL_RESULT 0\n"])


def asc(*trials, size=SIZE):
    return HEAD + size + "".join(trials)


def note(read, words):
    (found,) = [one for one in read.notes if words in one]
    return found


def test_trials_without_the_eye_are_counted_and_the_other_eye_is_offered(write):
    path = write(asc(trial(1, "LR"), trial(2, "LR"), trial(3, "R"), trial(4, "R")), "a.asc")
    read = read_fixations(path, OPTIONAL.model_copy(update={"eye": "left"}))
    assert note(read, "no left-eye") == (
        "a.asc: 2 of 4 trials have no left-eye fixations, only of the right eye: left out (trials 3, 4); eye: available takes "
        "the other eye there."
    )
    assert sorted(set(read.rows["stimulus"])) == ["1", "2"]
    both = read_fixations(path, OPTIONAL.model_copy(update={"eye": "available"}))
    assert sorted(both.rows["x_px"])[::3] == [110.5, 210.5, 310.5, 410.5]
    assert note(both, "eye in") == "a.asc: of 4 trials, right eye in 4."


def test_an_eye_that_changes_between_trials_is_seen(write):
    path = write(asc(trial(1, "L"), trial(2, "R"), trial(3, "")), "a.asc")
    with pytest.raises(
        InputError, match=r"both eyes \(L 3, R 3\), never of both in one trial; set eye: left or right, or"
    ):
        read_fixations(path, OPTIONAL)
    read = read_fixations(path, OPTIONAL.model_copy(update={"eye": "available"}))
    assert sorted(read.rows["x_px"])[::3] == [100.5, 210.5]
    assert note(read, "eye in") == "a.asc: of 2 trials, left eye in 1, right eye in 1."
    assert note(read, "no fixation") == "a.asc: 1 of 3 trials have no fixation: left out."


def test_trial_numbers_as_stimuli_are_said_with_the_message_that_would_name_the_picture(write):
    path = write(asc(trial(1, "R", "sea.jpg"), trial(2, "R", "hill.jpg")), "a.asc")
    said = note(read_fixations(path, OPTIONAL), "numbers of trials")
    assert said.startswith("Stimuli are numbers of trials (1 to 2, from 'TRIALID')")
    assert "image (hill.jpg, sea.jpg), image2 (wrong)" in said
    assert said.endswith("For the first, set stimulus_message: TRIAL_VAR image.")
    for message in ("TRIAL_VAR image", "!V TRIAL_VAR image"):
        named = read_fixations(path, OPTIONAL.model_copy(update={"stimulus_message": message}))
        assert set(named.rows["stimulus"]) == {"sea.jpg", "hill.jpg"} and not any(
            "Stimuli" in one for one in named.notes
        )


@pytest.mark.parametrize("word", ["", "Trial ", "trial_"])
def test_without_such_a_message_that_is_said_too(write, word):
    text = asc(trial(1, "R"), trial(2, "R")).replace("TRIALID ", f"TRIALID {word}")
    read = read_fixations(write(text, "a.asc"), OPTIONAL)
    assert "No TRIAL_VAR message was found" in note(read, "numbers of trials")


def test_trials_that_name_several_pictures_are_counted(write):
    twice = trial(1, "R", "sea.jpg").replace("MSG\t1901", "MSG\t1900 !V TRIAL_VAR image sun.jpg\nMSG\t1901")
    read = read_fixations(
        write(asc(twice), "a.asc"), OPTIONAL.model_copy(update={"stimulus_message": "TRIAL_VAR image"})
    )
    assert note(read, "several").startswith("a.asc: 1 of 1 trials have several 'TRIAL_VAR image' messages")
    assert set(read.rows["stimulus"]) == {"sun.jpg"}


@pytest.mark.parametrize(
    "corners",
    ["0 0 1919 1079", "0,00 0,00 1919,00 1079,00", "0, 0, 1919, 1079", "0,0,1919,1079", "0.00 0.00 1919.00 1079.00"],
)
def test_sizes_are_read_in_every_spelling(write, corners):
    path = write(asc(trial(1, "R"), size=f"{SIZE}MSG\t2 GAZE_COORDS {corners}\n"), "a.asc")
    assert read_fixations(path, OPTIONAL).size == (1920, 1080)


def test_decimal_commas_of_a_german_computer_are_numbers(write):
    text = asc(trial(1, "R")).replace(".5\t", ",5\t").replace("20.0", "20,0")
    assert read_fixations(write(text, "a.asc"), OPTIONAL).rows["x_px"].tolist() == [110.5, 111.5, 112.5]


def test_several_sizes_and_no_size_are_refused(write):
    two = asc(trial(1, "R"), size=SIZE + "MSG\t2 GAZE_COORDS 0 0 1023 767\n")
    with pytest.raises(
        InputError, match=r"several sizes of the display, 1920x1080 \(line 4\), 1024x768 \(line 5\) px; set size"
    ):
        read_fixations(write(two, "a.asc"), OPTIONAL)
    other = read_fixations(write(two, "a.asc"), OPTIONAL.model_copy(update={"size": (1024, 768)}))
    assert other.size == (1024, 768)
    assert "files state a size of 1920x1080 px, but size was set to 1024x768 px, which is used." in other.notes
    with pytest.raises(InputError, match=r"a\.asc: line 4: expected left, top, right, bottom"):
        read_fixations(write(asc(trial(1, "R"), size="MSG\t1 DISPLAY_COORDS none\n"), "a.asc"), OPTIONAL)


def test_messages_in_latin_1_are_asked_about(write):
    path = write(asc("MSG\t2 Gefühl\n", trial(1, "R")), "a.asc", encoding="latin-1")
    with pytest.raises(InputError, match=r"line 5: byte 0xFC.*'Gefühl'"):
        read_fixations(path, OPTIONAL)
    assert len(read_fixations(path, OPTIONAL.model_copy(update={"encoding": "latin-1"})).rows) == 3
