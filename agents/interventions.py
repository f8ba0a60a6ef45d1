"""The closed lists a treatment plan chooses from: ways of working with what they are for, safety steps, and referrals.

What each is for is general professional knowledge in our own words: no figure, no study, no promise. A plan only names
an entry; the words beside it are put in from here, so that no model can invent the evidence.
"""

from typing import Literal, NamedTuple

from agents.transcript import Language

Approach = Literal[
    "behavioral_activation", "thought_record", "problem_solving", "psychoeducation", "sleep_habits", "relaxation",
    "graded_exposure", "worry_time", "interpersonal_work", "communication_practice", "grief_work",
    "acceptance_and_values", "self_compassion", "motivational_work", "family_meeting", "support_network",
    "safety_planning",
]  # fmt: skip
SafetyStep = Literal[
    "ask_directly", "someone_stays", "means_out_of_reach", "written_safety_plan", "call_a_line", "emergency_service",
    "safe_adult", "safe_place",
]  # fmt: skip
Place = Literal[
    "none", "medical_doctor", "psychiatry", "emergency_department", "school_service", "protection_service",
    "specialist_counseling",
]  # fmt: skip
Urgency = Literal["now", "soon", "if_it_does_not_ease"]


class Words(NamedTuple):
    """What a way of working is called, and what it is known to be for."""

    name: str
    evidence: str


APPROACHES: dict[Language, dict[Approach, Words]] = {
    "zh": {
        "behavioral_activation": Words(
            "行为激活", "用在情绪低落、什么都不想做、越躲越没劲的时候，是认知行为取向里站得稳的做法。"
        ),
        "thought_record": Words(
            "想法记录", "用在一件事一冒头就往最坏处想、或者总在责怪自己的时候，是认知行为治疗的常规做法。"
        ),
        "problem_solving": Words("问题解决", "用在压力来自一件件具体难处的时候；难处本身改不了，就不合用。"),
        "psychoeducation": Words("心理教育", "帮人看懂自己身上在发生什么，多半当开头用，单靠它往往不够。"),
        "sleep_habits": Words(
            "睡眠习惯调整", "用在入睡难、半夜醒的时候；只讲作息规矩效果有限，配上固定起床和“睡不着就离床”才完整。"
        ),
        "relaxation": Words("放松练习", "用在身上绷着、心里发慌的时候；缓得了当下，解决不了起因。"),
        "graded_exposure": Words(
            "分级暴露", "用在因为怕就一直躲的时候，是对付回避的常规做法；一级一级由本人定，真有危险的地方不用。"
        ),
        "worry_time": Words("定时担心", "用在一整天停不下来地担心的时候，是处理反复担心的一种常用做法。"),
        "interpersonal_work": Words("人际取向的工作", "用在低落跟关系变动、身份变化、失去谁连在一起的时候，做法成熟。"),
        "communication_practice": Words("沟通练习", "用在话说不出口、一开口就吵的时候；对方会动手的，不用这个。"),
        "grief_work": Words("哀伤工作", "用在失去之后走不动的时候；不催人放下，也不给哀伤定期限。"),
        "acceptance_and_values": Words("接纳与价值取向的工作", "用在跟难受的念头缠斗、把要紧的事都搁下的时候。"),
        "self_compassion": Words("自我关怀练习", "用在羞耻、对自己下手重的时候；多半配着别的做法用。"),
        "motivational_work": Words("动机式会谈", "用在心里又想变又不想变的时候；不替人拿主意。"),
        "family_meeting": Words(
            "家庭会谈", "用在年纪小的来访者、或者结打在一家人之间的时候；本人愿意、在场都安全才用。"
        ),
        "support_network": Words("找回支持", "用在一个人扛着、跟人断了来往的时候。"),
        "safety_planning": Words(
            "安全计划", "用在有过不想活或伤自己的念头的时候，是自杀预防里的常规做法；要和专业医疗一起用，不能代替。"
        ),
    },
    "en": {
        "behavioral_activation": Words(
            "Behavioral activation",
            "For low mood, when doing less and less makes it worse; a well-established part of CBT.",
        ),
        "thought_record": Words(
            "Thought record", "For thoughts that jump to the worst or to self-blame; ordinary practice in CBT."
        ),
        "problem_solving": Words(
            "Problem solving", "For strain that comes from practical difficulties; not for what cannot be changed."
        ),
        "psychoeducation": Words(
            "Psychoeducation", "For making sense of what is going on; a beginning, and seldom enough by itself."
        ),
        "sleep_habits": Words(
            "Work on sleep habits",
            "For trouble falling or staying asleep; rules alone do little without a fixed time to rise and leaving"
            " the bed when awake.",
        ),
        "relaxation": Words(
            "Relaxation", "For a tense body and a racing mind; it eases the moment and leaves the cause."
        ),
        "graded_exposure": Words(
            "Graded exposure",
            "For fear kept going by avoidance, where it is ordinary practice; at the client's own steps, never where"
            " the danger is real.",
        ),
        "worry_time": Words("Worry time", "For worry that runs all day; a common way of giving it a place."),
        "interpersonal_work": Words(
            "Interpersonal work",
            "For low mood tied to a loss, a quarrel or a change of role; a well-worked-out approach.",
        ),
        "communication_practice": Words(
            "Practice in speaking up",
            "For things that stay unsaid or end in a row; not with somebody who may turn violent.",
        ),
        "grief_work": Words("Grief work", "For a loss that nothing moves on from; it sets grief no date."),
        "acceptance_and_values": Words(
            "Acceptance and values", "For a long fight with painful thoughts that has put everything else on hold."
        ),
        "self_compassion": Words(
            "Self-compassion", "For shame and harshness towards oneself; mostly beside another way of working."
        ),
        "motivational_work": Words(
            "Motivational interviewing", "For being in two minds about a change; it decides nothing for the client."
        ),
        "family_meeting": Words(
            "Family meeting",
            "For the young, and for knots that lie within a family; only where the client wants it and all are safe.",
        ),
        "support_network": Words("Finding support", "For carrying it alone and having lost touch with people."),
        "safety_planning": Words(
            "Safety planning",
            "For thoughts of death or self-harm, where it is ordinary practice; beside professional care, not in its"
            " place.",
        ),
    },
}
STEPS: dict[Language, dict[SafetyStep, str]] = {
    "zh": {
        "ask_directly": "直接问清现在近不近",
        "someone_stays": "这几天身边有人陪着",
        "means_out_of_reach": "把可能用来伤人伤己的东西交给信得过的人收好",
        "written_safety_plan": "跟本人一起写下来：什么是前兆、先做什么、找谁",
        "call_a_line": "打援助热线",
        "emergency_service": "眼下有危险就报警或叫急救",
        "safe_adult": "告诉一位安全的大人：监护人，监护人不安全就是老师或别的亲人",
        "safe_place": "先去一个伤不到的地方",
    },
    "en": {
        "ask_directly": "ask outright how near it is",
        "someone_stays": "somebody stays with them over the coming days",
        "means_out_of_reach": "what could be used to do harm is kept by somebody they trust",
        "written_safety_plan": "write down together the warning signs, what to do first and whom to reach",
        "call_a_line": "call a crisis line",
        "emergency_service": "call the emergency service when the danger is at hand",
        "safe_adult": "tell an adult who is safe: a guardian, or a teacher or relative where the guardian is not",
        "safe_place": "go first to a place where they cannot be hurt",
    },
}
PLACES: dict[Language, dict[Place, str]] = {
    "zh": {
        "none": "眼下不用转介",
        "medical_doctor": "普通门诊，先查身体",
        "psychiatry": "医院精神科或心理科",
        "emergency_department": "医院急诊",
        "school_service": "学校心理中心",
        "protection_service": "警方、妇联、未成年人保护等能护住人的机构",
        "specialist_counseling": "专做这一类困扰的咨询师",
    },
    "en": {
        "none": "no referral at present",
        "medical_doctor": "a doctor, to look at the body first",
        "psychiatry": "a psychiatrist or a mental health clinic",
        "emergency_department": "an emergency department",
        "school_service": "the counseling service of the school",
        "protection_service": "the police, a shelter or child protection",
        "specialist_counseling": "a counselor who works with this in particular",
    },
}
