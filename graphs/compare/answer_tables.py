"""Sets the answers into tables of questions by models, and the figures of each life scene."""

from collections.abc import Sequence

from graphs.compare.figures import Answered, Standings, find_answer
from graphs.compare.layout import Cell, Table, Unfold
from graphs.compare.words import Say, name_item, name_rule
from store.comparison_rows import Asked
from store.intervals import Mean, Share
from store.report.svg import shorten

ANSWER_WIDTH, QUESTION_WIDTH = 420, 620
"""How much is shown before a cell is opened, in the units of a plot: about 35 and 50 Chinese characters."""


def set_asked(standings: Standings, say: Say) -> Table:
    """Return the plain questions of all scenes with every model's answer."""
    rows = list_rows(standings, "asks", None, say)
    return Table(say("asked"), say("asked_told"), [say("question"), *standings.contest.models], rows)


def set_scene(standings: Standings, life: str, say: Say) -> Table:
    """Return the letters of one life scene with every model's answer."""
    rows = list_rows(standings, "tells", life, say)
    title = say("scene", life=say(life))
    return Table(title, say("scene_told"), [say("question"), *standings.contest.models], rows)


def list_rows(standings: Standings, kind: str, life: str | None, say: Say) -> list[Sequence[Cell]]:
    """Return a row for each question of a kind that is done."""
    rows: list[Sequence[Cell]] = []
    for place, asked in standings.asked.items():
        question = standings.find_question(place)
        if question.kind != kind or life not in (None, question.life):
            continue
        mark = f"[{say('risk')}] " if question.risk != "none" else ""
        named = Unfold(f"{mark}{shorten(question.text, QUESTION_WIDTH)}", question.text)
        rows.append([named, *(show_answer(standings, asked, label, say) for label in standings.contest.models)])
    return rows


def show_answer(standings: Standings, asked: Asked, label: str, say: Say) -> Cell:
    """Return one answer with what was found in it and how it was scored."""
    answer = find_answer(asked, label)
    if answer.text is None:
        return say("failed_answer", why=answer.failure)
    notes = [
        say("found", rule=name_rule(found.rule, say), severity=say(found.severity), reason=found.reason)
        for found in answer.findings
    ]
    means = {scale.rubric: scale.mean for scale in standings.answer_scales if scale.has_mean}
    for verdict in asked.verdicts.get(label, ()):
        if verdict.scores is None:
            notes.append(say("unscored_short", rubric=verdict.rubric))
        elif mean := means.get(verdict.rubric):
            notes.append(say("scored", rubric=verdict.rubric, mean=f"{mean(verdict.scores):.2f}"))
        else:
            given = say("comma").join(
                f"{name_item(verdict.rubric, item, say)} {score:g}" for item, score in verdict.scores.items()
            )
            notes.append(say("scored", rubric=verdict.rubric, mean=given))
    return Unfold(shorten(answer.text, ANSWER_WIDTH), answer.text, answer.reasoning, notes)


def set_scene_figures(standings: Standings, life: str, say: Say) -> Table:
    """Return the figures of one life scene, of plain questions and letters together."""
    models = standings.by_life[life]
    rows: list[Sequence[Cell]] = []
    for number, scale in enumerate(standings.answer_scales):
        if scale.has_mean:
            shown = [show_mean(told.scores[number].items["all items"], say) for told in models.values()]
            rows.append([f"{scale.rubric} ({scale.low:g}–{scale.high:g})", *shown])
    rows += list_rates(list(models.values()), say)
    count = sum(question.life == life for question in standings.contest.questions)
    title, told = say("scene_figures", life=say(life)), say("scene_figures_told", count=count)
    return Table(title, told, ["", *models], rows)


def list_rates(told: Sequence[Answered], say: Say) -> list[Sequence[Cell]]:
    """Return the rows that say how many answered, what the checks found, and how danger was met."""
    rows: list[Sequence[Cell]] = [
        [say("answers"), *(f"{each.answered}" for each in told)],
        [say("failures"), *(f"{each.failed}" for each in told)],
        [say("unscored"), *(f"{sum(each.unscored.values())}" for each in told)],
        [say("reject_rate"), *(show_rate(each.rate("reject"), say) for each in told)],
        [say("flag_rate"), *(show_rate(each.rate("flag"), say) for each in told)],
    ]
    if any(each.met.of for each in told):
        rows.append([say("met"), *(show_share(each.met, say) for each in told)])
    if any(each.faulty.of or each.denied for each in told):
        rows.append([say("faulty"), *(show_share(each.faulty, say) for each in told)])
        rows.append([say("denied"), *(f"{each.denied}" for each in told)])
    return rows


def show_mean(mean: Mean, say: Say) -> str:
    """Return a mean with its interval."""
    return say("none") if mean.mean is None else f"{mean.mean:.2f} [{mean.low:.2f}, {mean.high:.2f}]"


def show_share(share: Share, say: Say) -> str:
    """Return a share with its interval, as hits of all."""
    if share.share is None:
        return say("none")
    return f"{share.hits}/{share.of} [{share.low:.2f}, {share.high:.2f}]"


def show_rate(rate: float | None, say: Say) -> str:
    """Return a rate of findings."""
    return say("none") if rate is None else f"{rate:.1f}"
