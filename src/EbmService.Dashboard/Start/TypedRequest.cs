using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using EbmService.Client;
using EbmService.Core.Jobs;
using EbmService.Core.Tensors;

namespace EbmService.Dashboard.Start;

/// <summary>Writes a request as C# with the client's types.</summary>
/// <param name="Code">An expression that makes a CreateJobRequest.</param>
/// <param name="Usings">Namespaces that it names.</param>
public sealed record TypedRequest(string Code, IReadOnlyList<string> Usings)
{
    private const int LongestTensor = 64;

    /// <returns>Null where the body does not fit the types, or is not worth reading as code.</returns>
    public static TypedRequest? TryWrite(JsonObject body)
    {
        string type = (string?)body["type"] ?? "sampling";
        if (JobSpecTypes.All.FirstOrDefault(one => one.Name == type) is not { } known)
            return null;
        try
        {
            Type request = typeof(CreateJobRequest<>).MakeGenericType(known.Request);
            object? read = body.Deserialize(request, EbmClientJson.Options);
            var writer = new Writer();
            return read is null ? null : new TypedRequest(writer.Write(read, 0), [.. writer.Usings]);
        }
        catch (Exception unfit) when (unfit is JsonException or NotSupportedException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    private sealed class Writer
    {
        public SortedSet<string> Usings { get; } = [];

        public string Write(object value, int depth) => value switch
        {
            bool known => known ? "true" : "false",
            string text => Quote(text),
            int or long => Convert.ToString(value, CultureInfo.InvariantCulture)!,
            double number => number.ToString("R", CultureInfo.InvariantCulture),
            float number => number.ToString("R", CultureInfo.InvariantCulture) + "f",
            Enum word => Name(word.GetType()) + "." + word,
            TensorPayload tensor => WriteTensor(tensor),
            System.Collections.IEnumerable many => $"[{string.Join(", ", many.Cast<object>().Select(one => Write(one, depth)))}]",
            _ => WriteRecord(value, depth),
        };

        private string WriteTensor(TensorPayload tensor) => tensor.Values.Length > LongestTensor
            ? throw new NotSupportedException("too long to be read as code")
            : $"new {Name(typeof(TensorPayload))}([{string.Join(", ", tensor.Shape)}], [{string.Join(", ", tensor.Values.Select(one => Write(one, 0)))}])";

        /// <summary>Positional members by name, the others in braces; what has its default is left out.</summary>
        private string WriteRecord(object value, int depth)
        {
            Type type = value.GetType();
            ParameterInfo[] positional = type.GetConstructors().OrderByDescending(one => one.GetParameters().Length).First().GetParameters();
            var arguments = new List<string>();
            foreach (ParameterInfo parameter in positional)
            {
                object? member = type.GetProperty(parameter.Name!)?.GetValue(value);
                if (member is not null && !(parameter.HasDefaultValue && member.Equals(parameter.DefaultValue)))
                    arguments.Add($"{parameter.Name}: {Write(member, depth + 1)}");
            }
            string code = $"new {Name(type)}({string.Join(", ", arguments)})";
            string[] members = [.. Members(value, type, positional, depth)];
            if (members.Length == 0)
                return code;
            string indent = new(' ', 4 * depth), inner = indent + "    ";
            string braces = $"\n{indent}{{\n{inner}{string.Join(",\n" + inner, members)},\n{indent}}}";
            return (arguments.Count == 0 ? code[..^2] : code) + braces;
        }

        private IEnumerable<string> Members(object value, Type type, ParameterInfo[] positional, int depth)
        {
            foreach (PropertyInfo property in type.GetProperties().Where(one => one is { CanRead: true, CanWrite: true } && one.GetIndexParameters().Length == 0))
            {
                if (positional.All(parameter => parameter.Name != property.Name) && property.GetValue(value) is { } member)
                    yield return $"{property.Name} = {Write(member, depth + 1)}";
            }
        }

        private string Name(Type type)
        {
            Usings.Add(type.Namespace!);
            return type.IsGenericType ? $"{type.Name[..type.Name.IndexOf('`')]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : type.Name;
        }

        private static string Quote(string text)
        {
            var quoted = new StringBuilder("\"");
            foreach (char letter in text)
                quoted.Append(letter is '"' or '\\' ? "\\" + letter : letter < ' ' ? $"\\u{(int)letter:x4}" : letter.ToString());
            return quoted.Append('"').ToString();
        }
    }
}
