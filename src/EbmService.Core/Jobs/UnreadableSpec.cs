using System.Text.Json.Serialization;

namespace EbmService.Core.Jobs;

/// <summary>Stands for the spec of a stored job that this version can't read: it has no members.</summary>
/// <param name="TypeName">The type that is stored with the job, known here or not.</param>
public sealed record UnreadableSpec([property: JsonIgnore] string TypeName) : JobSpec
{
    [JsonIgnore]
    public override string Type => TypeName;
}
