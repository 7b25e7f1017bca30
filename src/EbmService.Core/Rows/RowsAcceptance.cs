using System.Globalization;
using System.Security.Cryptography;
using EbmService.Core.Datasets;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Tensors;

namespace EbmService.Core.Rows;

/// <summary>Rows that were found and held against the model's input.</summary>
/// <param name="Leading">Sizes of the array before the input's own; where only some rows are used, their count.</param>
/// <param name="Attachments">The files that came with the request, by name.</param>
/// <param name="Warning">What looks wrong although nothing forbids it.</param>
public sealed record AcceptedRows(
    RowsSpec Spec, IReadOnlyList<int> Leading, IReadOnlyDictionary<string, byte[]> Attachments, string? Warning = null);

/// <summary>Finds the rows that a request means, pins them by their SHA-256 and holds shape, range and labels against the model.</summary>
public static class RowsAcceptance
{
    /// <param name="source">The member of the request; null where it is missing, which is an error.</param>
    /// <param name="field">The member's path below <c>spec</c>; empty where the sources are members of the spec itself.</param>
    /// <param name="file">The file's name among the job's inputs.</param>
    /// <param name="outOfRange">Whether numbers outside the model's range or alphabet are refused, the default, or taken as they are.</param>
    /// <returns>The rows, or field errors.</returns>
    public static async Task<Outcome<AcceptedRows>> AcceptAsync(
        RowsSource? source, string field, string file, HostedModel model, JobProposal proposal, OutOfRange? outOfRange,
        CancellationToken cancellationToken)
    {
        var search = new Search(source ?? new RowsSource(), field, file, model, proposal, outOfRange is not OutOfRange.Allow);
        try
        {
            return await search.FindAsync(cancellationToken);
        }
        catch (RefusedException refused)
        {
            return refused.Failure;
        }
    }

    /// <summary>
    /// For types that work with classes: a dataset knows no model, so its labels may be none of the model's classes. Labels that came with the request were held
    /// against it.
    /// </summary>
    /// <param name="field">The member's path below <c>spec</c>.</param>
    /// <returns>What is wrong, or null.</returns>
    public static FieldError? FaultOfLabels(RowsSpec rows, JobProposal proposal, string field)
    {
        int classes = proposal.Model.Capabilities.Classes;
        if (classes == 0 || rows is not { Dataset: { } name, LabelsAreOfDataset: true } || proposal.Datasets.Find(name).Value?.LabelCounts is not { Count: > 0 } counts)
            return null;
        int largest = counts.Keys.Max(), least = counts.Keys.Min();
        return least >= 0 && largest < classes ? null
            : new($"spec.{field}.dataset", $"'{name}' has rows of the class {(least < 0 ? least : largest)}: the model's go from 0 to {classes - 1}.");
    }

    /// <summary>Whether rows of that shape are a model's inputs: the same sizes but for ones, or the same number of them in one dimension.</summary>
    public static bool Fits(IReadOnlyList<int> shape, IReadOnlyList<int> input) =>
        shape.Where(size => size != 1).SequenceEqual(input.Where(size => size != 1))
        || (shape.Count == 1 && shape[0] == input.Aggregate(1L, (product, size) => product * size));

    private sealed class RefusedException(Failure failure) : Exception(failure.Message)
    {
        public Failure Failure => failure;
    }

    private sealed class Search(RowsSource source, string field, string file, HostedModel model, JobProposal proposal, bool checksRange)
    {
        private readonly InputSchema _input = model.Descriptor!.Input;

        public Task<AcceptedRows> FindAsync(CancellationToken cancellationToken)
        {
            object?[] given = [source.Data, source.Npy, source.Job, source.Dataset];
            if (given.Count(one => one is not null) != 1)
                throw Refuse("", "Give the rows as exactly one of data, npy, job and dataset.");
            return source switch
            {
                { Dataset: { } name } => Task.FromResult(OfDataset(name)),
                { Job: { } job } => OfJobAsync(job, cancellationToken),
                _ => Task.FromResult(OfRequest()),
            };
        }

        private AcceptedRows OfDataset(string name)
        {
            Outcome<Dataset> found = proposal.Datasets.Find(name);
            if (!found.Succeeded)
                throw Refuse("dataset", $"{found.Failure.Message} GET /v1/datasets lists them.");
            Dataset dataset = found.Value;
            if (!Fits(dataset.Shape, _input.Shape))
                throw Refuse("dataset", $"The rows of '{name}' have the shape {Text(dataset.Shape)}, the model takes {Text(_input.Shape)}.");
            if (checksRange && RangeRule(dataset) is { } rule)
                throw Refuse("dataset", rule);
            (int offset, int count) = Window(dataset.Rows);
            RowsSpec spec = Spec(offset, count, dataset.Sha256) with { Dataset = name };
            return Labelled(spec, [count], dataset.LabelsSha256, null, null);
        }

        /// <summary>Why the dataset's numbers are not the model's; null where they are.</summary>
        private string? RangeRule(Dataset dataset)
        {
            bool isLevels = dataset.Dtype == Dataset.Uint8 && _input.Kind == InputKind.Image;
            bool binarise = source.Binarise is true;
            if (_input.Variables == VariableKind.Categorical)
                return dataset is { Min: >= 0, Max: <= 1, IsBinary: true } ? null : $"The model's variables are categorical: the rows must be one-hot, {InputValues.Remedy}.";
            if (_input.Variables == VariableKind.Binary && !binarise)
            {
                return dataset.IsBinary && !(isLevels && dataset.Max == 1) ? null
                    : $"The model's variables are binary: '{dataset.Name}' has other numbers than two. Send \"binarise\": true, {InputValues.Remedy}.";
            }
            if (isLevels && dataset is { Max: <= 1, Rows: > 1 })
                return $"The levels of '{dataset.Name}' are 0 and 1, all but black of 0 to 255: upload it as float32, {InputValues.Remedy}.";
            double slack = (_input.Max - _input.Min) * 1e-5;
            return isLevels || (dataset.Min >= _input.Min - slack && dataset.Max <= _input.Max + slack) ? null
                : string.Create(CultureInfo.InvariantCulture,
                    $"'{dataset.Name}' goes from {dataset.Min:G6} to {dataset.Max:G6}, the model's range is {_input.Min:G6} to {_input.Max:G6}: map the values to it (uint8, 0 to 255, is mapped by the service), {InputValues.Remedy}.");
        }

        private AcceptedRows OfRequest()
        {
            string member = source.Data is null ? "npy" : "data";
            TensorPayload rows;
            try
            {
                rows = source.Data ?? NpyFormat.Read(Convert.FromBase64String(source.Npy!));
            }
            catch (FormatException broken)
            {
                throw Refuse("npy", $"Must be a .npy file in base64: {broken.Message}.");
            }
            IReadOnlyList<int> leading = LeadingOf(rows.Shape) ?? throw RefuseShape(member, rows.Shape);
            int bad = Array.FindIndex(rows.Values, value => !float.IsFinite(value));
            if (bad >= 0)
                throw Refuse(member, $"Must be finite numbers: row {bad / _input.Length()} has one that is not.");
            if (checksRange && source.Binarise is not true && InputValues.FindOutside(rows, _input) is { } outside)
                throw Refuse(member + rows.PathOf(outside.Index), outside.Rule);
            byte[] content = NpyFormat.Write(rows);
            string? warning = InputValues.WarningOf(rows, _input);
            return OfFile(leading, Convert.ToHexStringLower(SHA256.HashData(content)), content, warning is null ? null : $"{Path(member)}: {warning}");
        }

        private async Task<AcceptedRows> OfJobAsync(JobRows rows, CancellationToken cancellationToken)
        {
            Outcome<JobSnapshot> found = await proposal.Results.FindAsync(rows.Id, cancellationToken);
            if (!found.Succeeded)
            {
                throw found.Failure.Code == FailureCode.JobNotFound
                    ? Refuse("job.id", $"There is no job '{rows.Id}': GET /v1/jobs lists them.") : new RefusedException(found.Failure);
            }
            JobSnapshot job = found.Value;
            if (!job.Status.IsTerminal())
                throw Refuse("job.id", $"The job '{job.Id}' has not ended: its results are not there yet.");
            if (job.Results.FirstOrDefault(entry => entry.Name == rows.Result) is not { } entry)
                throw Refuse("job.result", $"The job '{job.Id}' left no '{rows.Result}': it left {string.Join(", ", job.Results.Select(result => result.Name))}.");
            Outcome<JobResult> opened = await proposal.Results.OpenResultAsync(job.Id, entry.Name, cancellationToken);
            if (!opened.Succeeded)
                throw Refuse("job.result", opened.Failure.Message);
            await using Stream content = opened.Value.Content;
            var head = new byte[NpyFormat.HeaderBytes];
            int read = await content.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken);
            try
            {
                NpyHeader header = NpyHeader.Read(head.AsSpan(0, read));
                IReadOnlyList<int> leading = LeadingOf(header.Shape) ?? throw RefuseShape("job.result", header.Shape);
                if (!header.IsPlain(entry.Size))
                    throw Refuse("job.result", $"'{entry.Name}' holds no float32 numbers in C order.");
                AcceptedRows accepted = OfFile(leading, entry.Sha256, null, null);
                return accepted with { Spec = accepted.Spec with { Job = rows } };
            }
            catch (FormatException broken)
            {
                throw Refuse("job.result", $"'{entry.Name}' is no .npy file: {broken.Message}.");
            }
        }

        private AcceptedRows OfFile(IReadOnlyList<int> leading, string sha256, byte[]? content, string? warning)
        {
            (int offset, int count) = Window(leading.Aggregate(1, (product, size) => checked(product * size)));
            bool isWhole = source.Offset is null && source.Count is null;
            return Labelled(Spec(offset, count, sha256), isWhole ? leading : [count], null, content, warning);
        }

        private RowsSpec Spec(int offset, int count, string sha256) =>
            new() { Offset = offset, Count = count, Sha256 = sha256, File = file, Binarise = source.Binarise is true };

        private AcceptedRows Labelled(RowsSpec spec, IReadOnlyList<int> leading, string? labelsOfDataset, byte[]? content, string? warning)
        {
            var attachments = new Dictionary<string, byte[]>();
            if (content is not null)
                attachments[file] = content;
            if (source.Labels is { } labels)
            {
                if (labels.Count != spec.Count)
                    throw Refuse("labels", $"Must be one class index per row: {spec.Count} rows, {labels.Count} labels.");
                int classes = model.Capabilities.Classes;
                if (labels.FirstOrDefault(label => label < 0 || (classes > 0 && label >= classes), int.MinValue) is not int.MinValue and var bad)
                    throw Refuse("labels", $"{bad} is no class index: they go from 0 to {classes - 1}.");
                byte[] given = NpyFormat.Write(new TensorPayload([labels.Count], [.. labels.Select(label => (float)label)]));
                attachments[RowsSpec.LabelsFile(file)] = given;
                spec = spec with { LabelsSha256 = Convert.ToHexStringLower(SHA256.HashData(given)) };
            }
            else if (labelsOfDataset is not null)
            {
                spec = spec with { LabelsSha256 = labelsOfDataset, LabelsAreOfDataset = true, LabelsOffset = spec.Offset };
            }
            Compare("sha256", source.Sha256, spec.Sha256, "rows");
            Compare("labelsSha256", source.LabelsSha256, spec.LabelsSha256, "labels");
            return new AcceptedRows(spec, leading, attachments, warning);
        }

        private void Compare(string member, string? given, string? found, string what)
        {
            if (given is not null && !given.Equals(found, StringComparison.OrdinalIgnoreCase))
                throw Refuse(member, found is null ? $"There are no {what}." : $"Is {found} of the {what} given.");
        }

        private (int Offset, int Count) Window(int rows)
        {
            int offset = source.Offset ?? 0;
            if (offset < 0 || offset >= rows)
                throw Refuse("offset", $"Must be between 0 and {rows - 1}: there are {rows} rows.");
            int count = source.Count ?? rows - offset;
            return count >= 1 && count <= rows - offset ? (offset, count) : throw Refuse("count", $"Must be between 1 and {rows - offset}: there are {rows} rows.");
        }

        /// <summary>Sizes before those of one input; null where the array is none of rows. One bare input is one row.</summary>
        private int[]? LeadingOf(IReadOnlyList<int> shape)
        {
            IReadOnlyList<int> input = _input.Shape;
            int leading = shape.Count - input.Count;
            if (leading < 0 || !shape.Skip(leading).SequenceEqual(input) || shape.Any(size => size < 1)
                || TensorPayload.ElementCount(shape) / _input.Length() > int.MaxValue)
                return null;
            return leading == 0 ? [1] : [.. shape.Take(leading)];
        }

        private RefusedException RefuseShape(string member, IReadOnlyList<int> shape) => Refuse(member,
            $"Must have the shape [n, {string.Join(", ", _input.Shape)}]; it has {Text(shape)}.");

        private RefusedException Refuse(string member, string message) => new(Failure.OfFields([new FieldError(Path(member), message)]));

        private string Path(string member)
        {
            string path = string.Join('.', new[] { field, member }.Where(part => part.Length > 0));
            // Of a spec that holds the sources itself, the first stands for all.
            return "spec." + (path.Length > 0 ? path : "data");
        }

        private static string Text(IReadOnlyList<int> shape) => $"[{string.Join(", ", shape)}]";
    }
}
