"""The checks of a scenario: one event with a time and another person, nothing real, no danger but what is planned."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from agents.brief import Brief
from agents.checks import check_utterance
from agents.checks.care import find_method_detail
from agents.checks.finding import Finding
from agents.checks.lexicon import language_of
from agents.checks.privacy import find_pii
from agents.checks.speech import find_injection, find_language_mix, find_special_risk
from agents.risk import ADULT, is_session_routed
from agents.scenario import STAGES, Scenario
from agents.transcript import Language, Utterance
from taxonomy.plan import SessionPlan

VERSION = 1
"""Of the rules in this file; raise it with any change below."""

TIME: Mapping[Language, re.Pattern[str]] = {
    "zh": re.compile(
        r"[上这下每][个]?(?:周|星期|礼拜|学期|月|季度|回)|[周星期礼拜]{1,2}[一二三四五六日天末]|[今昨前去当][天晚年早夜日]|刚才|刚刚|早上|清早|早晨|上午|中午"
        r"|下午|傍晚|晚上|半夜|夜里|凌晨|那[天晚回次年阵会节早夜]|[头前后][几两三天回]|[月年][初中底末]|[春夏秋冬]天|[开入]春|入[夏秋冬]|暑假|寒假|过年"
        r"|时候|时$|当时|[开放]学|下班|下课|课间|午休|散会|熄灯|期[中末]|考完|周末|年夜饭|清晨|前几|头一|以后|之后|后来|分钟|小时|钟头"
        r"|过节|除夕|清明|中秋|国庆|端午|元旦|生日|头七|[一二三四五六七八九十\d]+(?:点|号|月|天|年|周|个月|个礼拜|岁)"
    ),
    "en": re.compile(
        r"\b(?:yesterday|today|tonight|last|ago|this (?:morning|week|month|year|spring|summer|autumn|fall|winter"
        r"|afternoon|evening)|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|march|april|may|june|july|august"
        r"|september|october|november|december|mid-?month|morning|afternoon|evening|night|midnight|noon|weekend|week"
        r"|month|day|birthday|christmas|easter|new year|holidays?|the \w+(?:st|nd|rd|th)|spring|summer|autumn|winter"
        r"|o'clock|breakfast|lunch|dinner|term|semester|when|while|during|after|before|since"
        r"|half[- ]past|\d{1,2}(?:am|pm))\b",
        re.IGNORECASE,
    ),
}
SELF: Mapping[Language, re.Pattern[str]] = {
    "zh": re.compile(r"我|自己|我自己|本人"),
    "en": re.compile(r"i|me|myself|my own self", re.IGNORECASE),
}
DISORDERS: Mapping[Language, re.Pattern[str]] = {
    "zh": re.compile(
        r"(?:抑郁|焦虑|强迫|恐惧|恐慌|惊恐|疑病|躁狂|躁郁|妄想|自闭|孤独|多动|厌食|暴食|贪食|失眠|社交恐惧|广场恐惧|精神分裂|分离|产后抑郁|应激)"
        r"(?:症(?!状)|障碍)|双相|精神分裂|人格障碍|创伤后应激|产后抑郁|(?i:ptsd|adhd|ocd)"
    ),
    "en": re.compile(
        r"\b(?:(?:clinical|major|postnatal|postpartum) depression|depressive disorder|anxiety disorder|panic disorder"
        r"|bipolar|schizophreni\w{1,3}|ptsd|post-?traumatic|ocd|obsessive[- ]compulsive|adhd|autism|anorexia|bulimia"
        r"|borderline personality|personality disorder|eating disorder|hypochondria)\b",
        re.IGNORECASE,
    ),
}
PLACES: Mapping[Language, re.Pattern[str]] = {
    "zh": re.compile(
        r"北京|上海|天津|重庆|广州|深圳|杭州|南京|武汉|成都|西安|苏州|长沙|郑州|青岛|沈阳|(?<![很太最更这那老大])大连(?![我你他她它累续着接])|厦门|宁波|合肥|济南|哈尔滨|长春|昆明|福州|南昌|贵阳|南宁"
        r"|太原(?![谅来本因])|石家庄|兰州|(?<!下)海口|三亚|乌鲁木齐|拉萨|银川|西宁|呼和浩特|无锡|佛山|东莞|珠海|温州|香港|澳门|台北|河北|河南|山东|山西|湖北|湖南|广东|广西"
        r"|江苏|浙江|安徽|福建|江西|四川|贵州|云南|陕西|甘肃|青海|辽宁|吉林|黑龙江|内蒙古|新疆|西藏|宁夏|海南|台湾|清华|(?<![东西])北大(?![街门娘哥爷])|复旦|浙大|华为|腾讯"
        r"|阿里巴巴|字节跳动|(?<!完)美团(?![队圆])|京东|富士康"
    ),
    "en": re.compile(
        r"\b(?:London|Manchester|Birmingham|Liverpool|Leeds|Glasgow|Edinburgh|Cardiff|Belfast|Dublin|Bristol|Paris|Berlin"
        r"|New York|Los Angeles|San Francisco|Chicago|Houston|Boston|Seattle|Philadelphia|Dallas|Atlanta|Miami|Denver"
        r"|Toronto|Vancouver|Montreal|Sydney|Melbourne|Auckland|Singapore|Hong Kong|Beijing|Shanghai|Tokyo|Mumbai|Delhi"
        r"|Harvard|Stanford|Yale|Oxford|Cambridge|Google|Amazon|Apple|Microsoft|Facebook|Tesla|Walmart)\b"
    ),
}
NAMES: Mapping[Language, re.Pattern[str]] = {
    # A family name and a given one after a word that introduces it: names look like any other words without it.
    "zh": re.compile(
        r"(?:名叫|叫做|叫|名字是|姓名是)(?:赵|钱|孙|李|周|吴|郑|王|冯|陈|褚|卫|蒋|沈|韩|杨|朱|秦|许|何|吕|张|孔|曹|严|华|金|魏|陶|姜|谢|邹|潘|葛"
        r"|彭|鲁|马|方|任|袁|柳|唐|薛|雷|贺|汤|罗|郝|邵|毛|顾|孟|黄|萧|尹|姚|汪|田|胡|高|林|郭|梁|宋|邓|曾|程|蔡|丁|董|余|叶|崔|卢|陆|廖|石|侯"
        r"|刘)[\u4e00-\u9fff]{1,2}(?=[，。、；的]|$)"
    ),
    "en": re.compile(
        r"(?m)(?<!^)(?<![.!?:] )(?<![“\"'(])\b(?!(?:Mrs|Miss|Mum|Mom|Dad|Aunt|Auntie|Uncle|Grandma|Grandpa|Nan|Happy"
        r"|Merry)\b)[A-Z][a-z]{2,} (?!(?:Day|Year|Eve|Street|Exam|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)\b)"
        r"[A-Z][a-z]{2,}\b"
    ),
}
SEXUAL: Mapping[Language, re.Pattern[str]] = {
    "zh": re.compile(
        r"性行为|性关系|性生活|性欲|性器|性侵|性骚扰|做爱|上床|开房|发生关系|约炮|裸照|裸聊|裸体|色情|黄片|猥亵|强奸|诱奸|堕胎|打胎|怀孕|避孕|下体|自慰"
    ),
    "en": re.compile(
        r"\b(?:sex|sexual\w{0,4}|sexting|slept with|nudes?|naked|porn\w{0,8}|molest\w{0,4}|rap(?:e|ed|ist)"
        r"|pregnan\w{1,3}|abortion|condoms?|hook(?:ed|ing) up|masturbat\w{1,4}|genitals?)\b",
        re.IGNORECASE,
    ),
}

HOUSE = (find_pii, find_injection, find_method_detail, find_language_mix, find_special_risk)
"""The checks of a client's lines that hold for the whole text too."""


def check_scenario(scenario: Scenario, told: str, brief: Brief, plan: SessionPlan, language: Language) -> list[Finding]:
    """Return what is wrong with a scenario; a finding to reject fails it, a flag only tells against it.

    `told` is the text of three lines. The places of findings are those in it, (0, 0) where a whole is meant.
    """
    text, first = Utterance("client", told), Utterance("client", scenario.opening_line)
    found = [*check_event(scenario, plan, language), *check_words(told, plan, language)]
    found += check_danger(told, plan, language)
    label = told.casefold().find(brief.emotion.casefold())
    if brief.emotion and label >= 0:
        span, reason = (label, label + len(brief.emotion)), f"the feeling is called by its name, {brief.emotion}"
        found.append(Finding("label_named", VERSION, "flag", span, reason))
    if language_of(told) != language:
        found.append(fail("wrong_language", f"it is not in {language}"))
    found += [finding for check in HOUSE if (finding := check(text, ())) is not None]
    found += [read_opening(finding) for finding in check_utterance(first, ())]
    return list({finding.rule: finding for finding in reversed(found)}.values())[::-1]


def read_opening(finding: Finding) -> Finding:
    """Return a finding on the first words as one on the whole; words that a counselor would say fail a scenario."""
    severity = "reject" if finding.rule == "role_swap" else finding.severity
    return replace(finding, severity=severity, span=(0, 0), reason=f"in the opening line: {finding.reason}")


def check_event(scenario: Scenario, plan: SessionPlan, language: Language) -> Iterator[Finding]:
    """Yield what the event lacks: a time, another person; and a stage of life that is not this age's."""
    parts = (scenario.event, scenario.when, scenario.person)
    event, when, person = (" ".join(part.split()).casefold() for part in parts)
    if when not in event or not TIME[language].search(when):
        yield fail("vague_event", f"no time: {scenario.when!r} does not stand in the event, or is no time")
    elif person not in event or SELF[language].fullmatch(person):
        yield fail("vague_event", f"nobody else: {scenario.person!r} does not stand in the event, or is no other")
    youngest, oldest = STAGES[scenario.life_stage]
    if plan.age is not None and not youngest <= plan.age <= oldest:
        yield fail("stage_misfit", f"{scenario.life_stage} at the age of {plan.age}")


def check_words(told: str, plan: SessionPlan, language: Language) -> Iterator[Finding]:
    """Yield what must not stand in it: illnesses by name, real people and places, and with a minor anything sexual."""
    listed = [
        ("diagnosis_named", DISORDERS, "an illness by its name"),
        ("real_name", PLACES, "a real place or employer"),
        ("real_name", NAMES, "a person's full name"),
    ]
    if plan.age is not None and plan.age < ADULT:
        listed.append(("minor_sexual", SEXUAL, "something sexual, with a minor"))
    for rule, words, reason in listed:
        if match := words[language].search(told):
            yield fail(rule, f"{reason}: {match[0]}", match.span())


def check_danger(told: str, plan: SessionPlan, language: Language) -> Iterator[Finding]:
    """Yield a sign of danger where none is planned, and where one is, that none shows: it may only be well hidden."""
    is_sign = is_session_routed(told.splitlines(), language)
    if is_sign and plan.risk == "none":
        yield fail("unplanned_danger", "a sign of danger, and none is planned")
    if plan.risk != "none" and not is_sign:
        yield Finding("danger_absent", VERSION, "flag", (0, 0), f"no sign of the planned danger ({plan.risk})")


def fail(rule: str, reason: str, span: tuple[int, int] = (0, 0)) -> Finding:
    """Return a finding that fails a scenario."""
    return Finding(rule, VERSION, "reject", span, reason)
