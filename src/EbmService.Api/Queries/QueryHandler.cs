using EbmService.Api.Errors;
using EbmService.Api.Inputs;
using EbmService.Api.Security;
using EbmService.Core.Calibration;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Core.Tensors;
using EbmService.Jobs.Queries;

namespace EbmService.Api.Queries;

/// <summary>The way every short query goes: find the model, read the inputs, ask the device, write the answer.</summary>
internal sealed class QueryHandler(IModelCatalog catalog, QueryReader reader, IQueryDispatcher dispatcher, ICalibrations calibrations)
{
    private const int MaxFailedRows = 256;

    private static readonly Failure GradientsAsNpy = Failure.OfFields([new FieldError("gradients",
        "An .npy answer is one array and holds the energies alone: leave gradients out, or ask for application/json in Accept.")]);

    internal async Task<IResult> AnswerAsync<T>(
        HttpRequest request, string name, QueryKind kind, ModelTask task, Func<HostedModel, AcceptedQuery, QueryAnswer, T> toResponse)
    {
        Outcome<HostedModel> found = catalog.Find(name, request.RouteValues["version"] as string);
        if (!found.Succeeded)
            return new FailureResult(found.Failure);
        HostedModel model = found.Value;
        if (CapabilityRules.Refuse(model, task) is { } refusal)
            return new FailureResult(refusal);
        Outcome<AcceptedQuery> accepted = await reader.ReadAsync(request, kind, model);
        if (!accepted.Succeeded)
            return new FailureResult(accepted.Failure);
        Outcome<ModelQuery> own = OfTenant(accepted.Value.Query, model, Caller.TenantOf(request.HttpContext.User));
        if (!own.Succeeded)
            return new FailureResult(own.Failure);
        ModelQuery query = own.Value;
        if (query.Gradients && MediaTypes.PrefersNpy(request))
            return new FailureResult(GradientsAsNpy);
        Outcome<QueryAnswer> answer = await dispatcher.AskAsync(query, request.HttpContext.RequestAborted);
        if (!answer.Succeeded)
            return new FailureResult(answer.Failure);
        if (!MediaTypes.PrefersNpy(request))
            return TypedResults.Ok(toResponse(model, accepted.Value, answer.Value));
        DescribeArray(request.HttpContext.Response.Headers, model, accepted.Value, answer.Value);
        return TypedResults.Bytes(NpyFormat.Write(QueryResponseMapper.ToTensor(query, answer.Value)), NpyFormat.MediaType);
    }

    /// <summary>A tenant names its own calibrations and the defaults; of the others it learns nothing.</summary>
    private Outcome<ModelQuery> OfTenant(ModelQuery query, HostedModel model, string? tenant)
    {
        if (tenant is null || query.Calibration is not { } name || name == CalibrationEntry.Bundled)
            return query;
        ICalibrations visible = calibrations.VisibleTo(tenant);
        if (visible.Find(model.Reference(), name) is { } entry)
            return query with { Calibration = entry.Reference };
        IEnumerable<string> known = visible.List(model.Key.Name).Where(other => other.Model.Digest == model.Digest).Select(other => other.Name).Distinct();
        return Failure.OfFields([new FieldError("calibration",
            $"The version {model.Key} has no calibration '{name}'. It has: {string.Join(", ", known.Append(CalibrationEntry.Bundled))}.")]);
    }

    /// <summary>An array has no room for these: without them a binary answer could not be traced to what gave it, nor a NaN to its reason.</summary>
    private static void DescribeArray(IHeaderDictionary headers, HostedModel model, AcceptedQuery accepted, QueryAnswer answer)
    {
        headers["Ebm-Model"] = model.Key.ToString();
        headers["Ebm-Digest"] = model.Digest;
        if (answer.RowErrors.Count > 0)
        {
            string rows = string.Join(", ", answer.RowErrors.Keys.Order().Take(MaxFailedRows));
            headers["Ebm-Failed-Rows"] = answer.RowErrors.Count > MaxFailedRows ? rows + ", ..." : rows;
        }
        if (accepted.Warnings is { } warnings)
            headers["Ebm-Warning"] = string.Join(" ", warnings);
    }
}
