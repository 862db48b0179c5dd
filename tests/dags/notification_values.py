"""Values of the keys that are about notifications, for the test of unusual use cases."""

from __future__ import annotations

from typing import Any

LEGAL: dict[str, list[Any]] = {
    "timezone": ["Europe/Berlin", "Pacific/Apia", "Antarctica/Troll", "Etc/GMT+12"],
    "ready_by": ["00:00", "23:59"],
    "notify": [
        [],
        [
            {"on": "all", "slack": {"conn_id": "a#!().:/-"}},
            {"on": ["late"], "sns": {"topic_arn": "arn:aws-us-gov:sns:us-gov-west-1:123456789012:" + "x" * 256}},
            {"on": ["late"], "sqs": {"queue_url": "https://sqs.us-east-1.amazonaws.com/123456789012/" + "x" * 80}},
            {"on": ["budget"], "smtp": {"to": ["日本@例え", "{{ds}}@a"], "from_email": "a@b"}},
            {
                "on": ["failed"],
                "notifier": {
                    "import_path": "airflow.providers.amazon.aws.notifications.sqs.SqsNotifier",
                    "arguments": {
                        "queue_url": "{{ ds }} {text} %s",
                        "message_body": "日本",
                        "message_attributes": ["x"],
                        "message_group_id": 1e300,
                        "delay_seconds": 10**30,
                        "verify": True,
                        "region_name": None,
                    },
                },
            },
        ],
    ],
}
ILLEGAL: dict[str, list[Any]] = {
    "timezone": ["Mars/Base", "Europe", "../UTC", "\0"],
    "ready_by": ["6:00", "24:00", "02:00"],  # the sample starts at 02:00
    "notify": [
        [{"on": ["fail"], "slack": {"conn_id": "a"}}],
        [{"on": [], "slack": {"conn_id": "a"}}],
        [{"on": "all"}],
        [{"on": "all", "slack": {"conn_id": "a\nb"}}],
        [{"on": "all", "smtp": {"to": ["a@b\nBcc: c@d"]}}],
        [{"on": "all", "sns": {"topic_arn": "arn:aws:sns:us-east-1:123456789012:x.fifo"}}],
        [{"on": "all", "slack": {"conn_id": "a"}}] * 21,
    ],
}
