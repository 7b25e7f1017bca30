namespace EbmService.Client.Tests.Http;

/// <summary>Bodies as the service writes them.</summary>
internal static class Answers
{
    internal const string Job = """
        {"id": "0198", "type": "scoring", "status": "queued", "models": [{"role": "model", "name": "bowl", "version": "1", "digest": "sha256:0"}],
         "spec": {}, "priority": 0, "tags": [], "tenant": "default", "warnings": [], "extends": null, "stopReason": null,
         "progress": {"fraction": 0, "done": 0, "total": 10, "unit": "rows", "ratePerSecond": null, "etaSeconds": null, "queuePosition": 1, "metrics": {}},
         "createdAt": "2026-01-02T03:04:05+00:00", "startedAt": null, "finishedAt": null, "attempt": 1, "error": null, "results": [],
         "links": {"self": "/v1/jobs/0198", "events": "/e", "results": "/r", "cancel": "/c", "pause": "/p", "resume": null, "extend": null}}
        """;

    internal const string Energy =
        """{"model": "bowl", "version": "1", "digest": "sha256:0", "results": [{"energy": 0.5, "gradient": [1, null]}, {"energy": null, "error": "not finite"}]}""";
}
