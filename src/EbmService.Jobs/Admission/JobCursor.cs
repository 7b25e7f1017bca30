using System.Buffers.Text;
using EbmService.Jobs.Storage;

namespace EbmService.Jobs.Admission;

/// <summary>The opaque cursor of a job page: the id of its last job.</summary>
internal static class JobCursor
{
    public static string Encode(string id) => Base64Url.EncodeToString(Convert.FromHexString(id));

    /// <summary>Null when the text is no cursor of ours.</summary>
    public static string? Decode(string cursor)
    {
        if (!Base64Url.IsValid(cursor))
            return null;
        string id = Convert.ToHexStringLower(Base64Url.DecodeFromChars(cursor));
        return JobFolders.IsValidId(id) ? id : null;
    }
}
