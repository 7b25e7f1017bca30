using System.Globalization;
using EbmService.Core.Datasets;

namespace EbmService.Api.Datasets;

internal static class DatasetContractMapper
{
    internal static DatasetResponse ToResponse(Dataset dataset, PathString pathBase)
    {
        string self = $"{pathBase}/v1/datasets/{dataset.Name}";
        var links = new Dictionary<string, string> { ["self"] = self };
        if (dataset.Shape is [1 or 3, _, _] or [_, _] or [2])
            links["preview"] = self + "/preview";
        return new DatasetResponse
        {
            Name = dataset.Name,
            Rows = dataset.Rows,
            Shape = [dataset.Rows, .. dataset.Shape],
            Dtype = dataset.Dtype,
            Min = dataset.Min,
            Max = dataset.Max,
            IsBinary = dataset.IsBinary,
            Sha256 = dataset.Sha256,
            Labels = dataset.LabelCounts?.ToDictionary(
                count => count.Key.ToString(CultureInfo.InvariantCulture), count => count.Value),
            Bytes = dataset.Bytes,
            CreatedAt = dataset.CreatedAt,
            Links = links,
        };
    }
}
