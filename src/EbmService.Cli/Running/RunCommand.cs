using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using EbmService.Cli.Engine;
using EbmService.Core.Datasets;
using EbmService.Core.Failures;
using EbmService.Core.Files;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Storage;

namespace EbmService.Cli.Running;

/// <summary><c>ebm run</c>: a job of any type that uses a model.</summary>
internal static class RunCommand
{
    private const string Notes = """
        Runs a job of any type on the service's own engine, started here for it: what POST /v1/jobs takes as "spec" is the value of --spec, in a file
        or as it is, and the same spec gives the same bits. --set changes single members. --dataset gives a file a name that the spec
        can use as "dataset": npy, npz, IDX, a zip of PNG files or CSV, with a file of labels behind a comma. All result files go to --out.

        Types: sampling, scoring and the others of docs/tasks.md; 'ebm train' trains.

        Examples:
          ebm run scoring deploy/models/mnist-jem --dataset test=data/mnist/t10k-images-idx3-ubyte.gz --set dataset=test --set count=1000 --out scores
          ebm run robustness models/mnist-jem --role source=mnist-plain --dataset test=images.gz,labels.gz --set inputs.dataset=test --set inputs.count=100
          ebm run scoring deploy/models/two-moons --spec '{"data": [[0.5, 0.2]], "outputs": ["energy", "pValue"]}' --out scores

        Exit codes: 0 done, 1 failed, 2 bad usage or input, 130 Ctrl-C.
        """;

    public static Command Create(CliEnvironment environment)
    {
        var type = new Argument<string>("type") { Description = "The job's type, for example scoring." };
        var folder = new Argument<string>("model-folder") { Description = "Folder with model.json and at least one version." };
        var version = new Option<string?>("--version") { Description = "Default: the newest.", HelpName = "NAME" };
        var spec = new Option<string?>("--spec") { Description = "The spec: a file, or JSON.", HelpName = "FILE|JSON" };
        var set = new Option<string[]>("--set") { Description = "A member of the spec, over --spec; may be repeated.", HelpName = "MEMBER=VALUE" };
        var datasets = new Option<string[]>("--dataset") { Description = "A file and what the spec calls it; may be repeated.", HelpName = "NAME=ROWS[,LABELS]" };
        var roles = new Option<string[]>("--role") { Description = "A further model of the same folder's parent, by its role; may be repeated.", HelpName = "ROLE=NAME[/VERSION]" };
        var output = new Option<string>("--out") { Description = "Folder for the files.", DefaultValueFactory = _ => "results", HelpName = "DIR" };
        var command = new Command("run", "Runs a job of any type: scoring, calibration, restoration, likelihood and others.")
        {
            type, folder, version, spec, set, datasets, roles, output,
        };
        command.SetAction((parsed, cancellationToken) => new JobRun(environment, parsed.GetRequiredValue(type), parsed.GetRequiredValue(folder),
            parsed.GetValue(version), parsed.GetValue(spec), parsed.GetValue(set) ?? [], parsed.GetValue(datasets) ?? [],
            parsed.GetValue(roles) ?? [], parsed.GetRequiredValue(output))
            .RunAsync(cancellationToken));
        return command.WithNotes(Notes);
    }

    private sealed class JobRun(
        CliEnvironment environment, string type, string modelFolder, string? version, string? specText, string[] settings, string[] files,
        string[] roles, string output)
    {
        public async Task<int> RunAsync(CancellationToken cancellationToken)
        {
            JsonObject members = ReadSpec();
            await using LocalEngine engine = LocalEngine.Open(modelFolder);
            JobTypeRegistry types = engine.Get<JobTypeRegistry>();
            JobTypeDescription known = (types.Find(type) ?? throw CliException.BadInput($"there is no job type '{type}': there are {types.Known}")).Description;
            if (known.MakesModel)
                throw CliException.BadInput($"a job of type {type} makes a model: use 'ebm train --config'");
            HostedModel model = engine.Find(version);
            foreach (string file in files)
                Add(engine.Get<IDatasetService>(), file);
            object request = SpecFile.Read(members, known.Request, specText is null || IsJson(specText) ? "the spec" : Path.GetFileName(specText));
            JobSubmission submission = await engine.AcceptAsync(type, model, request, engine.Jobs, cancellationToken, FindOthers(engine, known));
            environment.Out.WriteLine($"{type} with {model.Key} on {engine.Device.Kind}: {JsonSerializer.Serialize(submission.Spec, EbmJson.Options)}");
            foreach (string warning in submission.Warnings)
                environment.Error.WriteLine($"warning: {warning}");
            using var display = new JobDisplay(environment);
            FinishedJob done = await display.RunAsync(report => engine.RunAsync(submission, report, cancellationToken));
            Directory.CreateDirectory(output);
            foreach (ResultEntry result in done.Job.Results)
            {
                await using Stream content = await done.OpenAsync(result.Name, cancellationToken);
                DurableFiles.Replace(Path.Combine(output, result.Name), content.CopyTo);
            }
            environment.Out.WriteLine($"Wrote {string.Join(", ", done.Job.Results.Select(result => result.Name))} to {output}.");
            return ExitCode.Ok;
        }

        private Dictionary<string, HostedModel> FindOthers(LocalEngine engine, JobTypeDescription known)
        {
            var others = new Dictionary<string, HostedModel>();
            foreach (string text in roles)
            {
                string[] parts = text.Split('=', 2);
                if (parts.Length < 2 || !known.OptionalRoles.Contains(parts[0]))
                    throw CliException.BadInput($"--role takes ROLE=NAME or ROLE=NAME/VERSION; the roles of {type} are {string.Join(", ", known.OptionalRoles.DefaultIfEmpty("none"))}");
                string[] named = parts[1].Split('/', 2);
                others[parts[0]] = engine.Get<IModelCatalog>().Find(named[0], named.Length > 1 ? named[1] : null).OrThrow();
            }
            return others;
        }

        private JsonObject ReadSpec()
        {
            JsonObject spec = specText is null ? [] : IsJson(specText) ? SpecFile.Parse(specText, "the spec") : SpecFile.Parse(File.ReadAllText(specText), Path.GetFileName(specText));
            foreach (string setting in settings)
            {
                string[] parts = setting.Split('=', 2);
                if (parts.Length < 2 || parts[0].Length == 0)
                    throw CliException.BadInput($"--set takes MEMBER=VALUE; '{setting}' is none");
                Set(spec, parts[0].Split('.'), parts[1]);
            }
            return spec;
        }

        /// <summary>A value is JSON where it can be read as that, else a text.</summary>
        private static void Set(JsonObject spec, string[] path, string value)
        {
            foreach (string member in path.SkipLast(1))
            {
                if (spec[member] is not JsonObject inner)
                    spec[member] = inner = [];
                spec = inner;
            }
            try
            {
                spec[path[^1]] = JsonNode.Parse(value);
            }
            catch (JsonException)
            {
                spec[path[^1]] = value;
            }
        }

        private static void Add(IDatasetService datasets, string text)
        {
            string[] parts = text.Split('=', 2);
            string[] paths = parts.Length == 2 ? parts[1].Split(',', StringSplitOptions.TrimEntries) : [];
            if (paths.Length is 0 or > 2)
                throw CliException.BadInput($"--dataset takes NAME=ROWS or NAME=ROWS,LABELS; '{text}' is neither");
            using FileStream rows = File.OpenRead(paths[0]);
            using FileStream? labels = paths.Length == 2 ? File.OpenRead(paths[1]) : null;
            Outcome<(Dataset, bool)> added = datasets.Add(parts[0], rows, labels);
            if (!added.Succeeded)
                throw CliException.BadInput($"--dataset {parts[0]}: {added.Failure.Message}");
        }

        private static bool IsJson(string text) => text.TrimStart().StartsWith('{');
    }
}
