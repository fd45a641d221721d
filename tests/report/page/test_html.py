from xgaze.report.page.html import with_commands


def test_commands_between_backticks_are_marked_and_the_rest_is_escaped():
    told = with_commands("not measured: `xgaze distill <b>` of <script>, a lone ` stays")
    assert told == "not measured: <code>xgaze distill &lt;b&gt;</code> of &lt;script&gt;, a lone ` stays"
