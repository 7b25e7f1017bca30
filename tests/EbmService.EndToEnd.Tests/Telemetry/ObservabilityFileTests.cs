using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Telemetry;

/// <summary>Rules, dashboard and documentation name what a running service exports, and the documentation names all that is ours.</summary>
[Collection(WatchedServiceCollection.Name)]
public sealed partial class ObservabilityFileTests(WatchedService watched)
{
    private static readonly string Folder = ServiceHost.PathOf("deploy", "observability");

    /// <summary>Prometheus' own; a job's failure, which the service of these tests has none of, has error_type.</summary>
    private static readonly string[] OfPrometheus = ["up"], LabelsOfPrometheus = ["instance", "job", "error_type"];

    public static TheoryData<string> Files => [Path.Combine("grafana", "dashboards", "ebm-service.json"), "alerts.yml"];

    [EndToEndTheory]
    [MemberData(nameof(Files))]
    public async Task Expressions_OfTheFile_NameMetricsAndLabelsThatTheServiceExports(string file)
    {
        string text = await File.ReadAllTextAsync(Path.Combine(Folder, file), HttpSteps.Cancel);
        string[] expressions = file.EndsWith(".json", StringComparison.Ordinal) ? [.. OfDashboard(JsonNode.Parse(text)!)] : [.. OfRules(text)];
        (HashSet<string> names, HashSet<string> labels) = await ExportedAsync();

        Assert.True(expressions.Length > 10, $"{expressions.Length} expressions");
        Assert.All(expressions, expression => Assert.NotEmpty(PromQl.MetricsOf(expression)));
        Assert.All(expressions, expression => Assert.Empty(PromQl.MetricsOf(expression).Except([.. names, .. OfPrometheus])));
        Assert.All(expressions, expression => Assert.Empty(PromQl.LabelsOf(expression).Except([.. labels, .. LabelsOfPrometheus])));
    }

    [EndToEndFact]
    public async Task Documentation_NamesEveryMetricOfOurs()
    {
        string text = await File.ReadAllTextAsync(ServiceHost.PathOf("docs", "observability.md"), HttpSteps.Cancel);
        HashSet<string> documented = [.. DocumentedPattern().Matches(text).Select(match => match.Groups[1].Value)];
        string scrape = await ScrapeAsync();
        HashSet<string> exported = [.. TypePattern().Matches(scrape).Select(match => match.Groups[1].Value).Where(name => name.StartsWith("ebm_", StringComparison.Ordinal))];

        Assert.Equal(exported.Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    [EndToEndFact]
    public async Task Metrics_OfOurs_PassTheLinterOfPrometheus()
    {
        Assert.SkipUnless(HasPromtool, "promtool is not installed");
        string scrape = await ScrapeAsync();
        string ours = string.Concat(scrape.Split('\n').Where(line => line.Contains("ebm_", StringComparison.Ordinal)).Select(line => line + "\n"));

        Assert.Equal((0, ""), Promtool("check metrics", ours));
    }

    [EndToEndFact]
    public void Rules_ByPromtool_AreSoundAndPassTheirTests()
    {
        Assert.SkipUnless(HasPromtool, "promtool is not installed");

        Assert.Equal(0, Promtool("check rules alerts.yml").ExitCode);
        (int exitCode, string output) = Promtool("test rules alerts.test.yml");
        Assert.True(exitCode == 0, output);
        Assert.Equal(0, Promtool("check config prometheus.yml").ExitCode);
    }

    [EndToEndFact]
    public async Task Metrics_AskedForAsPrometheus3Does_HaveTheSameNames()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.Add("Accept", "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.1");
        using HttpResponseMessage answer = await watched.Service.Client.SendAsync(request, HttpSteps.Cancel);

        Assert.Contains("ebm_job_units_total{", await answer.Content.ReadAsStringAsync(HttpSteps.Cancel), StringComparison.Ordinal);
    }

    [EndToEndFact]
    public async Task Metrics_AfterManyJobs_NameNoneOfThem() =>
        Assert.DoesNotContain(watched.JobId, await ScrapeAsync(), StringComparison.Ordinal);

    private static bool HasPromtool => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, "promtool")));

    private static IEnumerable<string> OfRules(string yaml)
    {
        // An expression is on its line, or below "expr: |" with a deeper indent.
        foreach (Match match in RulePattern().Matches(yaml))
            yield return match.Groups[1].Value.Length > 0 ? match.Groups[1].Value : match.Groups[2].Value;
    }

    private static IEnumerable<string> OfDashboard(JsonNode dashboard) =>
        dashboard["panels"]!.AsArray().SelectMany(panel => panel!["targets"]?.AsArray() ?? []).Select(target => (string)target!["expr"]!)
            .Concat(dashboard["templating"]!["list"]!.AsArray().Select(variable => (string?)variable!["definition"]).OfType<string>()
                .Select(definition => definition.Replace("label_values(", "", StringComparison.Ordinal).Split(',')[0]));

    private async Task<(HashSet<string> Names, HashSet<string> Labels)> ExportedAsync()
    {
        string scrape = await ScrapeAsync();
        MatchCollection series = SeriesPattern().Matches(scrape);
        return ([.. series.Select(match => match.Groups[1].Value)],
            [.. series.SelectMany(match => LabelPattern().Matches(match.Groups[2].Value)).Select(match => match.Groups[1].Value)]);
    }

    private Task<string> ScrapeAsync() => watched.Service.Client.GetStringAsync("/metrics", HttpSteps.Cancel);

    private static (int ExitCode, string Output) Promtool(string arguments, string? input = null)
    {
        var start = new ProcessStartInfo("promtool", arguments.Split(' '))
        {
            WorkingDirectory = Folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }

    [GeneratedRegex(@"^\s+expr: (?:(?!\|)(.+)|\|\n((?:\s{10,}.+\n)+))", RegexOptions.Multiline)]
    private static partial Regex RulePattern();

    [GeneratedRegex(@"^([a-zA-Z_:][\w:]*)(\{.*\})? ", RegexOptions.Multiline)]
    private static partial Regex SeriesPattern();

    [GeneratedRegex(@"([a-zA-Z_]\w*)=""")]
    private static partial Regex LabelPattern();

    [GeneratedRegex(@"^# TYPE (\S+) ", RegexOptions.Multiline)]
    private static partial Regex TypePattern();

    [GeneratedRegex(@"^\| `ebm\.[\w.]+` \| `(ebm_\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex DocumentedPattern();
}
