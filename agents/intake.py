"""The intake: turns a cell of the taxonomy, or a person's own text, into the profile a client plays from."""

from agents.brief import Brief
from agents.cast import Cast
from agents.message import Message
from agents.profile import ClientProfile
from agents.prompt import load_prompt
from taxonomy.plan import SessionPlan


async def write_profile(cast: Cast, brief: Brief, plan: SessionPlan) -> ClientProfile:
    """Ask for a profile that fits the plan; its age and its risk must be the planned ones."""
    persona = {"attitude": plan.attitude, "style": plan.style, "big_five": plan.big_five}
    if plan.cell is None:
        tail = load_prompt("intake/text", cast.language).render(text=brief.text, **persona)
    else:
        tail = load_prompt("intake/cell", cast.language).render(
            emotion=brief.emotion,
            definition=brief.definition,
            family=brief.family,
            scene=brief.scene,
            scene_definition=brief.scene_definition,
            scenario=brief.scenario,
            age=plan.age,
            gender=plan.gender,
            risk=plan.risk,
            risk_definition=brief.risk_definition,
            **persona,
        )

    def find_fault(profile: ClientProfile) -> str | None:
        if plan.age is not None and profile.age != plan.age:
            return f"age: must be {plan.age}, not {profile.age}"
        if plan.cell is not None and (plan.risk != "none") != bool(profile.risk.strip()):
            return "risk: must be empty exactly when no risk is planned"
        return None

    head = load_prompt("intake/head", cast.language)
    thread = [*cast.open_thread(head.render()), Message("user", tail)]
    profile, _ = await cast.fill("intake", head.hash, thread, ClientProfile, find_fault)
    return profile
