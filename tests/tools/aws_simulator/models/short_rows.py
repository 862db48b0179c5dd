"""Rows of several languages whose documents have three or four short sentences: document, question, answer."""

from __future__ import annotations

SHORT_ROWS = (
    (
        "Rinse the rice under cold water until the water runs clear. Soak it for twenty minutes. Cook it with twice as"
        " much water on a low heat. Let it rest before serving.",
        "How long should rice soak?",
        "Soak it for twenty minutes.",
    ),
    (
        "Bread flour has more protein than cake flour. It makes a stretchy dough. Keep it in a dry cupboard.",
        "Which flour has more protein?",
        "Bread flour has more protein than cake flour.",
    ),
    (
        "Our office opens at 8 am. Visitors sign in at the desk. Badges are returned before leaving.",
        "When does the office open?",
        "At 8 am.",
    ),
    (
        "- Mix flour and water\n- Knead for ten minutes\n- Bake at 220 C for half an hour",
        "How long do you knead?",
        "Ten minutes",
    ),
    (
        "Der Urlaub wird im Portal beantragt. Die Führungskraft genehmigt ihn innerhalb von drei Tagen. Resturlaub"
        " verfällt am 31. März.",
        "Wo beantrage ich Urlaub?",
        "Im Portal.",
    ),
    (
        "Faites chauffer l'eau à 80 degrés. Versez-la sur les feuilles de thé. Laissez infuser trois minutes.",
        "À quelle température faut-il chauffer l'eau ?",
        "À 80 degrés.",
    ),
    (
        "El museo abre de martes a domingo. La entrada cuesta seis euros. Los menores de doce años no pagan.",
        "¿Cuánto cuesta la entrada?",
        "La entrada cuesta seis euros.",
    ),
    (
        "申請は月曜日に提出します。部長が三日以内に承認します。承認後に旅費が支払われます。",
        "誰が承認しますか？",
        "部長が三日以内に承認します。",
    ),
    ("图书馆早上九点开门。每人最多可以借十本书。逾期每天罚款一元。", "可以借几本书？", "最多十本。"),
    (
        "회의실은 이틀 전에 예약합니다. 취소는 당일 오전까지 가능합니다. 열쇠는 안내 데스크에 있습니다.",
        "열쇠는 어디에 있습니까?",
        "안내 데스크에 있습니다.",
    ),
    (
        "يفتح المتجر في الساعة التاسعة صباحا. يغلق يوم الجمعة. التوصيل مجاني داخل المدينة.",
        "متى يفتح المتجر؟",
        "في الساعة التاسعة صباحا.",
    ),
    (
        "दुकान सुबह नौ बजे खुलती है। रविवार को दुकान बंद रहती है। घर पर सामान मुफ्त पहुँचाया जाता है।",
        "दुकान कब खुलती है?",
        "सुबह नौ बजे।",
    ),
)
