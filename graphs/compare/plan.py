"""Prepares a comparison: who answers, who judges, what is asked, and the jobs in which each model sits as counselor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from agents.endpoint import Endpoint, load_endpoint
from agents.prompt import load_prompt
from agents.question_set import Question
from agents.rubric import load_rubric
from agents.single_answer import CRISIS_RUBRIC, HEAD
from agents.tokens import estimate_tokens
from agents.transcript import Language
from graphs.config import RunConfig
from graphs.estimate import REASONING, WRITTEN, Estimate
from graphs.job import Job, name_model, prepare
from graphs.judging.estimate import Asked, estimate_judging, measure_head
from graphs.league.plan import list_asked as list_questions
from graphs.recipes import load_recipe
from graphs.spending import estimate
from graphs.units import list_plans
from store.runs import PlanLine
from taxonomy.refusal import InputError

ANSWER = 250
"""Tokens of one answer to one written question, as the prompt asks for it."""
USUAL_ANSWER_RUBRIC, USUAL_SESSION_RUBRIC = "autocbt", "session"
OF_NO_REQUEST = {"base_url", "api_key_env", "concurrency", "deadline_s", "prices", "currency", "context_length"}
"""What of an endpoint may change between the start of a comparison and its end: no request holds it."""


@dataclass(frozen=True, slots=True)
class Contest:
    """All that a comparison works with; models go by their endpoints' names, in the order in which they were named."""

    config: RunConfig
    models: Mapping[str, Endpoint]
    judge: Endpoint
    client: Endpoint
    questions: tuple[Question, ...]
    answer_rubrics: tuple[str, ...]
    session_rubrics: tuple[str, ...]
    jobs: Mapping[str, Job]
    sessions: int

    @property
    def orders(self) -> list[tuple[str, str]]:
        """Every pair of models, in both orders."""
        return list(permutations(self.models, 2))

    @property
    def names(self) -> list[str]:
        """All names by which an answer could give itself away."""
        known = [name for each in self.models.values() for name in (each.name, each.model_for("counselor"))]
        return [*known, *(name.rpartition("/")[2] for name in known)]

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """Every endpoint by its name."""
        playing = [endpoint for job in self.jobs.values() for endpoint in job.endpoints.values()]
        return {each.name: each for each in (*self.models.values(), self.judge, *playing)}

    @property
    def rehearsed(self) -> list[str]:
        """The rehearsal's endpoints."""
        return sorted(name for name, endpoint in self.endpoints.items() if endpoint.rehearsal)

    @property
    def session_language(self) -> Language:
        """The language that the sessions are spoken in."""
        return next((job.config.language for job in self.jobs.values() if job.config.language), "zh")

    def list_rubrics(self, question: Question) -> list[str]:
        """Return what an answer is judged by; where there is danger, by how it was met too."""
        extra = [CRISIS_RUBRIC] if question.risk != "none" and CRISIS_RUBRIC not in self.answer_rubrics else []
        return [*self.answer_rubrics, *extra]

    def list_judges_own(self) -> list[str]:
        """Return the models that the judge would judge as its own work."""
        own = name_model(self.judge, "critic")
        return [label for label, each in self.models.items() if name_model(each, "counselor") == own]


def read_models(named: str | None, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the models of --models, as given, by endpoint name; raises InputError unless they are two or more.

    Two that are one model under one name or two would be compared with themselves.
    """
    specs = [spec.strip() for spec in (named or "").split(",") if spec.strip()]
    if len(specs) < 2:
        given = f" {named!r}" if named else ""
        raise InputError(f"--models{given}: a comparison needs two models or more, as in --models base,tuned")
    found: dict[str, tuple[str, Endpoint]] = {}
    for spec in specs:
        endpoint = load_endpoint(spec, environment)
        same = [label for label, (_, other) in found.items() if is_same(endpoint, other)]
        if endpoint.name in found or same:
            other = found[endpoint.name][0] if endpoint.name in found else found[same[0]][0]
            why = "is named twice" if other == spec else f"and {other} are one model, or have one name"
            raise InputError(
                f"--models: {spec} {why}; name each model once, by an endpoint file with a name of its own"
            )
        found[endpoint.name] = (spec, endpoint)
    return {label: spec for label, (spec, _) in found.items()}


def is_same(one: Endpoint, other: Endpoint) -> bool:
    """Tell whether two endpoints differ in nothing but their names."""
    return one.model_dump(exclude={"name"}) == other.model_dump(exclude={"name"})


def split_rubrics(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the rubrics for answers and for sessions; raises InputError for one that fits neither."""
    for name in names:
        if load_rubric(name).scope not in ("turn", "session"):
            raise InputError(f"--rubric {name}: it judges no answer and no session; name one of a turn or a session")
    turn = tuple(name for name in names if load_rubric(name).scope == "turn")
    session = tuple(name for name in names if load_rubric(name).scope == "session")
    return turn or (USUAL_ANSWER_RUBRIC,), session or (USUAL_SESSION_RUBRIC,)


def draw_contest(settings: Mapping[str, Any], config: RunConfig, environment: Mapping[str, str]) -> Contest:
    """Load all that the settings of a comparison name; raises InputError for the first thing that is wrong."""
    specs: dict[str, str] = dict(settings["models"])
    models = {label: load_endpoint(spec, environment) for label, spec in specs.items()}
    jobs = {label: prepare(seat(config, settings, spec), environment) for label, spec in specs.items()}
    contest = Contest(
        config=config,
        models=models,
        judge=load_endpoint(settings["judge"], environment),
        client=load_endpoint(settings["client"], environment),
        questions=tuple(Question.model_validate(each) for each in settings["questions"]),
        answer_rubrics=tuple(settings["answer_rubrics"]),
        session_rubrics=tuple(settings["session_rubrics"]),
        jobs=jobs if settings["sessions"] else {},
        sessions=settings["sessions"],
    )
    check_names(contest)
    return contest


def choose_recipe(name: str) -> str:
    """Return the method of the sessions; raises InputError where it seats no counselor before a client of the map."""
    recipe = load_recipe(name)
    if recipe.makes != "talk" or "cell" not in recipe.units or "counselor" not in recipe.heads:
        raise InputError(f"--recipe {name}: it plays no sessions on the map; python -m graphs.recipes tells which do")
    return recipe.name


def seat(config: RunConfig, settings: Mapping[str, Any], spec: str) -> RunConfig:
    """Return the settings of the run in which one model is the counselor, and everybody else the same."""
    # A recipe's own verdict would be one call a session for nothing: all are judged alike when they have ended.
    switches = {"critic": "off"} if "critic" in load_recipe(settings["recipe"]).switches.model_fields else {}
    cast = {"counselor": spec, "critic": settings["judge"]}
    changed = {"recipe": settings["recipe"], "switches": switches, "model": settings["client"], "cast": cast}
    changed["language"] = settings.get("session_language", config.language)
    return config.model_copy(update=changed)


def choose_spoken(named: Language | None, questions: Sequence[Question]) -> Language | None:
    """Return the language of the sessions: the named one, else that of all questions; None leaves it to the run.

    Chinese is what a run speaks by itself. It is left to it, so that the sessions go on in the plan of such runs.
    """
    shared = {question.language for question in questions}
    return named or ("en" if shared == {"en"} else None)


def check_names(contest: Contest) -> None:
    """Raise InputError where one name stands for two endpoints: calls of one would go to the other."""
    known: dict[str, Endpoint] = dict(contest.models)
    for role, endpoint in (("--judge", contest.judge), ("--client", contest.client)):
        other = known.setdefault(endpoint.name, endpoint)
        if other != endpoint:
            raise InputError(
                f"{role}: another endpoint has the name {endpoint.name} too; give it an endpoint file of its own name"
            )


def describe_endpoints(contest: Contest) -> dict[str, Any]:
    """Return what of each endpoint shapes a request, to be held against when the comparison goes on."""
    named = contest.endpoints | {contest.client.name: contest.client}
    return {name: endpoint.model_dump(mode="json", exclude=OF_NO_REQUEST) for name, endpoint in named.items()}


def line_of(job: Job) -> PlanLine:
    """Return the plan that the sessions work on: the same for every model."""
    return PlanLine(job.recipe.name, job.config.language or "", job.config.seed, job.units.source)


def estimate_contest(contest: Contest, first: int) -> dict[str, Estimate]:
    """Return what answering and judging the questions will take, each model's sessions, and judging those."""
    told = {"answers": estimate_answers(contest)}
    if not contest.sessions:
        return told
    positions = range(first, first + contest.sessions)
    told |= {label: estimate(job, positions) for label, job in contest.jobs.items()}
    language = contest.session_language
    units = next(iter(contest.jobs.values())).units
    asked = [
        Asked(50 * plan.exchanges, language, list_questions(contest.session_rubrics, plan.exchanges))
        for plan in list_plans(units, positions[:: max(1, len(positions) // 100)])
    ]
    judging = estimate_judging(asked, {"critic": contest.judge})
    return told | {"judging": judging.scale(contest.sessions * len(contest.models))}


def estimate_answers(contest: Contest) -> Estimate:
    """Return what the questions will take: an answer of each model, its scores, and each pair in both orders."""
    total = Estimate()
    for question in contest.questions:
        language = question.language or "zh"
        asked = estimate_tokens(question.text)
        head = estimate_tokens(load_prompt(HEAD, language).text)
        for endpoint in contest.models.values():
            add(total, "counselor", endpoint, head + asked, ANSWER)
            for rubric in contest.list_rubrics(question):
                prompt = measure_head(rubric, language) + asked + ANSWER
                add(total, "critic", contest.judge, prompt, WRITTEN["critic"])
        head = estimate_tokens(load_prompt("compare/judge", language).text)
        for _ in contest.orders:
            add(total, "critic", contest.judge, head + asked + 2 * ANSWER, WRITTEN["critic"])
    return total


def add(total: Estimate, role: Any, endpoint: Endpoint, prompt: float, answer: float) -> None:
    """Add one call, priced as if no prompt token came from a cache."""
    answer += REASONING if endpoint.reasoning != "none" else 0
    total.calls[role] += 1
    total.prompt[role] += prompt
    total.completion[role] += answer
    if endpoint.prices is not None:
        price = prompt * endpoint.prices.input + answer * endpoint.prices.output
        total.cost[endpoint.currency or ""] += price / 1e6
    elif not endpoint.rehearsal:
        total.unpriced.add(endpoint.name)
