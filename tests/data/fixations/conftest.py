"""Ten fixations per tracker, as its software writes them."""

import pytest

from xgaze.data.fixations.fixation_format import FixationColumns, FixationFormat

# Two people, two pictures of 800x600 px; ten fixations in four scanpaths, of which the last is too short.
TABLE = """subject,image,nr,x,y,ms,mood
1,a.jpg,0,10,20,100,calm
1,a.jpg,1,30.5,40,200,calm
1,a.jpg,2,800,600,300,calm
1,b.jpg,2,7,8,30,calm
1,b.jpg,0,1,2,10,calm
1,b.jpg,1,3,4,20,calm
NB,a.jpg,0,0,0,110,tense
NB,a.jpg,1,5,5,120,tense
NB,a.jpg,2,6,6,130,tense
NB,b.jpg,0,9,9,140,tense
"""
COLUMNS = FixationColumns(participant="subject", stimulus="image", order="nr", x="x", y="y", duration="ms")


@pytest.fixture
def settings():
    return FixationFormat(columns=COLUMNS, size=(800, 600))


@pytest.fixture
def write(tmp_path):
    """write(text, name): a file of this text."""

    def written(text, name="fixations.csv", encoding="utf-8"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding=encoding)
        return path

    return written


@pytest.fixture
def table(write):
    return write(TABLE)
