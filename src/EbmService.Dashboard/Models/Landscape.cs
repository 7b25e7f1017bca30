using EbmService.Client;
using EbmService.Core.Models;
using EbmService.Core.Queries;
using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;

namespace EbmService.Dashboard.Models;

/// <summary>The energy of a model of the plane over its range, asked for in parts.</summary>
internal static class Landscape
{
    private const int Size = 64;
    private const int RowsAtOnce = 256;

    /// <summary>Levels above the least energy that colours reach.</summary>
    private const double Top = 12;

    private static readonly Dictionary<string, byte[]> s_known = [];

    internal static async Task<bool> DrawAsync(EbmClient client, IJSObjectReference plane, ElementReference canvas, ModelCardResponse model)
    {
        if (!s_known.TryGetValue(model.Digest, out byte[]? energies))
            s_known[model.Digest] = energies = await EnergiesAsync(client, model);
        await plane.InvokeVoidAsync("landscape", canvas, energies, new { size = Size, min = model.Input.Min, max = model.Input.Max, top = Top });
        return true;
    }

    private static async Task<byte[]> EnergiesAsync(EbmClient client, ModelCardResponse model)
    {
        float[] places = [.. Enumerable.Range(0, Size).Select(i => (float)(model.Input.Min + (i + 0.5) * (model.Input.Max - model.Input.Min) / Size))];
        var rows = new float[2 * Size * Size];
        for (int i = 0; i < Size * Size; i++)
            (rows[2 * i], rows[2 * i + 1]) = (places[i % Size], places[i / Size]);
        var energies = new float[Size * Size];
        for (int first = 0; first < energies.Length; first += RowsAtOnce)
        {
            int count = Math.Min(RowsAtOnce, energies.Length - first);
            EnergyResponse part = await client.Queries.EnergyAsync(
                model.Name, QueryInput.FromValues(rows.AsMemory(2 * first, 2 * count), count, 2));
            for (int i = 0; i < count; i++)
                energies[first + i] = part.Results[i].Energy ?? float.NaN;
        }
        var bytes = new byte[energies.Length * sizeof(float)];
        Buffer.BlockCopy(energies, 0, bytes, 0, bytes.Length);
        return bytes;
    }
}
