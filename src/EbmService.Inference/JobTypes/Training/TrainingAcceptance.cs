using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using EbmService.Core.Datasets;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Training;
using EbmService.Inference.Architectures;
using EbmService.Inference.Data;
using EbmService.Inference.Models;
using EbmService.Inference.Training;

namespace EbmService.Inference.JobTypes.Training;

/// <summary>Makes a training spec of a request: finds the model's descriptor, the config and the data, and checks that they fit.</summary>
internal sealed class TrainingAcceptance(ModelRepository repository, DataCatalog data, JobProposal proposal)
{
    /// <summary>What completing a row by mean-field means costs, about.</summary>
    private const int MeanFieldPasses = 20;

    private readonly TrainingRequest _request = (TrainingRequest?)proposal.Request ?? new();
    private readonly IDatasets? _visible = proposal.Datasets == NoDatasets.Instance ? null : proposal.Datasets;
    private readonly List<FieldError> _errors = [];

    public Outcome<AcceptedJob> Accept()
    {
        string name = proposal.Made.Name;
        if (!ModelNames.IsValid(name))
            return Failure.OfFields([new("model", "A name begins with a letter or digit and has at most 64 letters, digits, dots, hyphens and underscores.")]);
        ModelFolder? folder;
        try
        {
            folder = repository.ReadFolder(name);
        }
        catch (InvalidModelException e)
        {
            return new Failure(FailureCode.ModelUnavailable, $"The model '{name}' can't be trained: {e.Message}.", "Ask the operator to repair its files.");
        }
        ModelDescriptor? model = FindDescriptor(name, folder);
        TrainingRecipe? config = FindConfig(name, folder);
        string version = FindVersion(name, folder);
        if (model is null || config is null)
            return Failure.OfFields(_errors);
        NamedData? rows = FindData(model, config);
        if (rows is null || _errors.Count > 0)
            return Failure.OfFields(_errors);
        var spec = new TrainingSpec
        {
            Data = _request.Data!, Rows = rows.Rows.Count, Sha256 = rows.Sha256, Descriptor = model, Version = version, Config = config,
            RowsSha256 = data.Uploaded(_request.Data!, _visible)?.Sha256, LabelsSha256 = data.Uploaded(_request.Data!, _visible)?.LabelsSha256,
        };
        return new AcceptedJob(spec) { Makes = new ModelKey(name, version), Footprint = FootprintOf(spec, rows.Rows) };
    }

    private ModelDescriptor? FindDescriptor(string name, ModelFolder? folder)
    {
        if (_request.Descriptor is not { } asked)
        {
            if (folder is null)
                _errors.Add(new("spec.descriptor", $"There is no model '{name}': a new one needs its descriptor, the content of model.json."));
            return folder?.Descriptor;
        }
        try
        {
            asked = asked with { Architecture = ModelDescriptorValidator.Check(asked, name) };
            ArchitectureShapes.Of(asked.Architecture.Spec(), asked.Input);
        }
        catch (InvalidModelException e)
        {
            _errors.Add(new("spec.descriptor", $"{e.Message}."));
            return null;
        }
        if (folder is null || JsonNode.DeepEquals(Node(asked), Node(folder.Descriptor)))
            return folder?.Descriptor ?? asked;
        _errors.Add(new("spec.descriptor", $"It differs from that of the model '{name}', which all its versions share: leave it out, or choose a new name."));
        return null;
    }

    private static JsonNode? Node(ModelDescriptor descriptor) => JsonSerializer.SerializeToNode(descriptor, EbmJson.Options);

    private TrainingRecipe? FindConfig(string name, ModelFolder? folder)
    {
        TrainingRecipe? config = _request.Config;
        try
        {
            config ??= folder?.Training is { } json ? ModelJson.Parse<TrainingRecipe>(json, TrainingPlan.RecipeFile) : null;
        }
        catch (InvalidModelException e)
        {
            _errors.Add(new("spec.config", $"The model's {e.Message}: give a config."));
            return null;
        }
        if (config is null)
        {
            _errors.Add(new("spec.config", $"The model '{name}' has no {TrainingPlan.RecipeFile}: give a config."));
            return null;
        }
        return config with { Iterations = _request.Iterations ?? config.Iterations, Seed = _request.Seed ?? config.Seed };
    }

    private string FindVersion(string name, ModelFolder? folder)
    {
        IReadOnlyList<string> present = folder?.Versions ?? [];
        if ((_request.Version ?? proposal.Made.Version) is not { } asked)
        {
            int last = present.Select(version => int.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0).DefaultIfEmpty().Max();
            return (last + 1).ToString(CultureInfo.InvariantCulture);
        }
        if (_request.Version is not null && proposal.Made.Version is { } other && other != _request.Version)
            _errors.Add(new("spec.version", $"The model is asked for as version '{other}': name the version once."));
        if (!ModelNames.IsValid(asked))
            _errors.Add(new("spec.version", "It must begin with a letter or digit and have at most 64 letters, digits, dots, hyphens and underscores."));
        else if (present.Contains(asked))
            _errors.Add(new("spec.version", $"The model '{name}' has a version '{asked}', and a version never changes: name a new one."));
        return asked;
    }

    private NamedData? FindData(ModelDescriptor model, TrainingRecipe config)
    {
        List<string> faults = TrainingRecipeValidator.Faults(config, model);
        _errors.AddRange(faults.Select(fault => new FieldError("spec.config", $"{fault}.")));
        CheckLimits(model, config);
        string known = $"This server has: {string.Join(", ", data.Names(_visible))}.";
        if (_request.Data is not { } name || !data.Has(name, _visible))
        {
            _errors.Add(new("spec.data", _request.Data is null ? $"Name a data set. {known}" : $"There is no data set of that name. {known}"));
            return null;
        }
        try
        {
            NamedData rows = data.Read(name, model.VisibleSchema(), _visible);
            if (faults.Count == 0 && new TrainingPlan(model, config).FaultOf(rows.Rows) is { } fault)
                _errors.Add(new("spec.data", $"{fault}."));
            if (_request.Rows is { } count && count != rows.Rows.Count)
                _errors.Add(new("spec.rows", $"The data set '{name}' has {rows.Rows.Count} rows: leave the number out."));
            if (_request.Sha256 is { } sha256 && !string.Equals(sha256, rows.Sha256, StringComparison.OrdinalIgnoreCase))
                _errors.Add(new("spec.sha256", $"The data set '{name}' has the hash {rows.Sha256}: leave it out, or bring the data back."));
            return rows;
        }
        catch (InvalidDatasetException e)
        {
            _errors.Add(new("spec.data", $"The data set '{name}' can't be used: {e.Message}."));
            return null;
        }
    }

    private void CheckLimits(ModelDescriptor model, TrainingRecipe config)
    {
        JobLimits limits = proposal.Limits;
        if (config.Iterations > limits.MaxSteps)
            _errors.Add(new("spec.config", $"At most {limits.MaxSteps} iterations.", FailureCode.OverPolicy));
        ArchitectureSpec spec = model.Architecture.Spec();
        double inference = spec.Family().Capabilities(spec, model.Input).Has(ModelCapability.Latents) ? MeanFieldPasses : 0;
        double perIteration = config.BatchSize * ((double)config.ChainSteps * config.Replicas + 3 + inference) + 3.0 * (config.Classification?.BatchSize ?? 0);
        double work = config.Iterations * perIteration * model.Input.Length();
        if (work > limits.MaxElementSteps)
        {
            _errors.Add(new("spec.config", string.Create(CultureInfo.InvariantCulture,
                $"Iterations x passes x numbers in one input is {work:E1}, this server takes {limits.MaxElementSteps:E1}: fewer iterations, rows or chain steps."),
                FailureCode.OverPolicy));
        }
    }

    /// <summary>Weights, their gradients, moments and copies, the buffer, the data, and one part's rows on their way through the network and back.</summary>
    private static JobFootprint FootprintOf(TrainingSpec spec, ITrainingData data)
    {
        TrainingRecipe config = spec.Config;
        ArchitectureShapes shapes = ArchitectureShapes.Of(spec.Descriptor.Architecture.Spec(), spec.Descriptor.Input);
        double length = spec.Descriptor.Input.Length(), buffer = config.BufferSize * config.Replicas * length;
        double rows = Math.Max((1.0 + config.Replicas) * config.BatchSize, config.Classification?.BatchSize ?? 0) / config.Slots;
        return new JobFootprint(
            sizeof(float) * (shapes.ParameterCount * (7.0 + 2.0 * config.Slots) + buffer + 6 * rows * (length + shapes.Activations) + (double)data.Count * data.RowLength),
            sizeof(float) * (shapes.ParameterCount * (7.0 + config.Slots) + buffer * 2) + JobFootprint.BytesPerBlock)
        {
            StepField = "spec.config", ResultField = "spec.config",
        };
    }
}
