using System.Text;

namespace EbmService.Benchmarks.Reports;

/// <summary>A table of the report.</summary>
internal sealed class MarkdownTable
{
    private readonly StringBuilder _text = new();

    public MarkdownTable(params string[] heads)
    {
        Row(heads);
        _text.Append('|').Append(string.Concat(Enumerable.Repeat("---|", heads.Length))).Append('\n');
    }

    public MarkdownTable Row(params string[] cells)
    {
        _text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
        return this;
    }

    public override string ToString() => _text.ToString();
}
