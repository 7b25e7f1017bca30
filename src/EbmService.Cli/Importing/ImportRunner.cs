using System.Globalization;
using EbmService.Core.Files;
using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Inference.Importing;
using EbmService.Inference.Models;

namespace EbmService.Cli.Importing;

/// <summary>Imports a checkpoint: reads, maps, checks and only then writes.</summary>
internal sealed class ImportRunner(CliEnvironment environment, ImportRequest request)
{
    public int Run()
    {
        if (!(request.Tolerance > 0))
            throw CliException.BadInput("--tolerance needs a number above 0");
        if (!ModelNames.IsValid(request.Version))
            throw CliException.BadInput($"'{request.Version}' is not allowed as a version");
        if (!request.Replace && Directory.Exists(Path.Combine(request.ModelFolder, request.Version)))
            throw CliException.BadInput($"version '{request.Version}' exists: --replace replaces it");
        long begin = environment.Clock.GetTimestamp();
        CheckpointLayout layout = CheckpointLayout.Find(CheckpointLayout.Read(request.Checkpoint), request.State);
        byte[]? descriptor = DescriptorBytes();
        ModelDescriptor model = ReadDescriptor(descriptor);
        CheckpointImport import = CheckpointImport.Create(layout, request.Source, model, request.BufferByClass);
        Report(layout, import);
        if (request.Check is { } check)
            Check(model, import, check.Inputs, check.Outputs);
        Write(descriptor, import, environment.Clock.GetElapsedTime(begin));
        return ExitCode.Ok;
    }

    /// <returns>Null where the folder's own is used.</returns>
    private byte[]? DescriptorBytes()
    {
        bool exists = File.Exists(Path.Combine(request.ModelFolder, ModelFiles.Descriptor));
        if (request.Descriptor is null)
        {
            return exists ? null : throw CliException.BadInput(
                $"there is no {ModelFiles.Descriptor} in '{request.ModelFolder}': it says the architecture's sizes; "
                + "--descriptor gives one");
        }
        if (exists && !request.Replace)
            throw CliException.BadInput($"there is a {ModelFiles.Descriptor} in '{request.ModelFolder}' already: --replace replaces it");
        return File.ReadAllBytes(request.Descriptor);
    }

    /// <summary>A given descriptor is checked in a folder of the model's name elsewhere: nothing is written yet.</summary>
    private ModelDescriptor ReadDescriptor(byte[]? descriptor)
    {
        if (descriptor is null)
            return CheckpointImport.ReadDescriptor(request.ModelFolder);
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.ModelFolder)));
        if (!ModelNames.IsValid(name))
            throw CliException.BadInput($"'{name}' is not allowed as a model's name");
        DirectoryInfo temporary = Directory.CreateTempSubdirectory("ebm-import-");
        try
        {
            string folder = temporary.CreateSubdirectory(name).FullName;
            File.WriteAllBytes(Path.Combine(folder, ModelFiles.Descriptor), descriptor);
            return CheckpointImport.ReadDescriptor(folder);
        }
        finally
        {
            temporary.Delete(recursive: true);
        }
    }

    private void Report(CheckpointLayout layout, CheckpointImport import)
    {
        string place = layout.Key.Length > 0 ? $" in '{layout.Key}'" : "";
        environment.Out.WriteLine(
            $"{Path.GetFileName(request.Checkpoint)}: {layout.State.Count} tensors{place}, names of '{request.Source.Name}'.");
        environment.Out.WriteLine(
            $"  mapped: {import.Weights.Count} parameters, {import.Weights.Values.Sum(tensor => tensor.Count)} numbers");
        foreach (string folded in import.Folded)
            environment.Out.WriteLine($"  folded: {folded}");
        foreach (string ignored in import.Ignored)
            environment.Out.WriteLine($"  not needed: {ignored}");
        if (import.Buffer is not null)
            environment.Out.WriteLine($"  replay buffer: {import.Buffer.Shape[0]} chains" + (import.BufferLabels is null ? "" : ", by class"));
    }

    private void Check(ModelDescriptor model, CheckpointImport import, string inputs, string outputs)
    {
        EnergyCheck check;
        try
        {
            check = EnergyCheck.Compare(
                model, import.Weights, NpyFormat.Read(File.ReadAllBytes(inputs)), NpyFormat.Read(File.ReadAllBytes(outputs)));
        }
        catch (FormatException exception)
        {
            throw CliException.BadInput($"--check: {exception.Message}", exception);
        }
        string difference = check.Largest.ToString("0.0e-0", CultureInfo.InvariantCulture);
        string sentence = string.Create(CultureInfo.InvariantCulture,
            $"the largest relative difference of {check.Outputs} outputs is {difference}, at row {check.Row}: {check.Computed:R} for {check.Given:R}");
        if (check.Largest > request.Tolerance)
            throw CliException.Failed($"the check failed and nothing was written: {sentence}");
        environment.Out.WriteLine($"  checked: {sentence}");
    }

    private void Write(byte[]? descriptor, CheckpointImport import, TimeSpan elapsed)
    {
        if (descriptor is not null)
        {
            DurableFiles.CreateFolder(Path.GetFullPath(request.ModelFolder));
            DurableFiles.Replace(Path.Combine(request.ModelFolder, ModelFiles.Descriptor), descriptor);
        }
        ModelVersionManifest manifest = ModelVersionWriter.Write(request.ModelFolder, request.Version, new ModelVersionContent
        {
            Weights = import.Weights,
            Buffer = import.Buffer,
            BufferLabels = import.BufferLabels,
            Provenance = new ModelProvenance
            {
                Command = request.CommandText,
                Data = Path.GetFileName(request.Checkpoint),
                Seed = 0,
                Seconds = Math.Round(elapsed.TotalSeconds, 1),
                FinishedAt = DateTimeOffset.FromUnixTimeSeconds(environment.Clock.GetUtcNow().ToUnixTimeSeconds()),
                Software = SoftwareText.Current(),
            },
        }, request.Replace);
        environment.Out.WriteLine(
            $"Wrote version {request.Version} to {Path.Combine(request.ModelFolder, request.Version)}: "
            + $"{string.Join(", ", manifest.Files.Keys.Order(StringComparer.Ordinal))}.");
    }
}
