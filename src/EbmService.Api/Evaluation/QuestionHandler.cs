using EbmService.Api.Errors;
using EbmService.Api.Inputs;
using EbmService.Core.Evaluation;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Jobs.Questions;

namespace EbmService.Api.Evaluation;

/// <summary>The way every short question goes: find the model, read the inputs, ask the device, write the answer.</summary>
internal sealed class QuestionHandler(IModelCatalog catalog, QuestionReader reader, IQuestionDispatcher dispatcher)
{
    private static readonly Failure GradientsAsNpy = Failure.OfFields([new FieldError("gradients",
        "An .npy answer is one array and holds the energies alone: leave gradients out, or ask for application/json in Accept.")]);

    internal async Task<IResult> AnswerAsync<T>(
        HttpRequest request, string name, EvaluationKind kind, ModelTask task, Func<HostedModel, EvaluationQuery, EvaluationAnswer, T> toResponse)
    {
        Outcome<HostedModel> found = catalog.Find(name, request.RouteValues["version"] as string);
        if (!found.Succeeded)
            return new FailureResult(found.Failure);
        HostedModel model = found.Value;
        if (CapabilityRules.Refuse(model, task) is { } refusal)
            return new FailureResult(refusal);
        Outcome<EvaluationQuery> query = await reader.ReadAsync(request, kind, model);
        if (!query.Succeeded)
            return new FailureResult(query.Failure);
        if (query.Value.Gradients && MediaTypes.PrefersNpy(request))
            return new FailureResult(GradientsAsNpy);
        Outcome<EvaluationAnswer> answer = await dispatcher.AskAsync(query.Value, request.HttpContext.RequestAborted);
        if (!answer.Succeeded)
            return new FailureResult(answer.Failure);
        if (!MediaTypes.PrefersNpy(request))
            return TypedResults.Ok(toResponse(model, query.Value, answer.Value));
        // An array has no room for these: without them a binary answer could not be traced to what gave it.
        request.HttpContext.Response.Headers["Ebm-Model"] = model.Key.ToString();
        request.HttpContext.Response.Headers["Ebm-Digest"] = model.Digest;
        return TypedResults.Bytes(NpyFormat.Write(EvaluationResponseMapper.ToTensor(query.Value, answer.Value)), NpyFormat.MediaType);
    }
}
