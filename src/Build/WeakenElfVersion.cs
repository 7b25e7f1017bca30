using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace EbmService.Build
{
    /// <summary>
    /// Marks one required symbol version of a 64-bit little-endian ELF library as weak (VER_FLG_WEAK), so that the
    /// dynamic loader warns instead of refusing when the system's library lacks that version.
    /// </summary>
    /// <remarks>
    /// libLibTorchSharp.so asks for GLIBCXX_3.4.32 (GCC 13) for one symbol that no relocation names; Debian 12,
    /// Ubuntu 22.04 and RHEL 9 have older libraries. Layout: "System V ABI, gABI, chapter 4" for sections,
    /// "Linux Standard Base, Symbol Versioning" for Elf64_Verneed and Elf64_Vernaux.
    /// C# 7 only: this file is also compiled by msbuild's inline task factory.
    /// </remarks>
    public static class ElfVersionWeakener
    {
        private const uint SectionGnuVerneed = 0x6ffffffe;
        private const ushort FlagWeak = 0x2;
        private const int HeaderSize = 64;
        private const int EntrySize = 16;

        /// <summary>Returns the offsets of the vna_flags fields that were changed; none when there was nothing to do.</summary>
        /// <param name="image">The whole file; edited in place.</param>
        /// <param name="version">The version name, for example GLIBCXX_3.4.32.</param>
        /// <exception cref="InvalidDataException">The bytes are no 64-bit little-endian ELF file, are cut short or contradict themselves.</exception>
        public static IReadOnlyList<int> Weaken(byte[] image, string version)
        {
            if (image.Length < HeaderSize || image[0] != 0x7f || image[1] != 'E' || image[2] != 'L' || image[3] != 'F')
                throw new InvalidDataException("not an ELF file");
            if (image[4] != 2 || image[5] != 1)
                throw new InvalidDataException("not a 64-bit little-endian ELF file");

            var changed = new List<int>();
            long sections = ReadOffset(image, 0x28);
            int entrySize = ReadUInt16(image, 0x3a);
            int count = ReadUInt16(image, 0x3c);
            if (count > 0 && entrySize < HeaderSize)
                throw new InvalidDataException("the ELF section headers are too small");
            for (int i = 0; i < count; i++)
            {
                long header = sections + (long)i * entrySize;
                if (ReadUInt32(image, header + 4) != SectionGnuVerneed)
                    continue;
                uint link = ReadUInt32(image, header + 40);
                if (link >= count)
                    throw new InvalidDataException("the ELF version section names no string table");
                long strings = sections + (long)link * entrySize;
                WeakenSection(image, ReadOffset(image, header + 24), ReadUInt32(image, header + 44),
                    ReadOffset(image, strings + 24), version, changed);
            }
            return changed;
        }

        private static void WeakenSection(
            byte[] image, long need, uint needCount, long strings, string version, List<int> changed)
        {
            for (uint n = 0; n < needCount; n++)
            {
                int auxCount = ReadUInt16(image, need + 2);
                long aux = need + ReadUInt32(image, need + 8);
                for (int a = 0; a < auxCount; a++)
                {
                    ushort flags = ReadUInt16(image, aux + 4);
                    if ((flags & FlagWeak) == 0 && ReadString(image, strings + ReadUInt32(image, aux + 8)) == version)
                    {
                        image[aux + 4] = (byte)(flags | FlagWeak);
                        changed.Add((int)(aux + 4));
                    }
                    aux = Next(image, aux, a + 1 < auxCount);
                }
                need = Next(image, need, n + 1 < needCount);
            }
        }

        // vn_next and vna_next both stand at 12; a step that does not leave the entry would never end.
        private static long Next(byte[] image, long entry, bool more)
        {
            uint step = ReadUInt32(image, entry + 12);
            if (more && step < EntrySize)
                throw new InvalidDataException("the ELF version entries do not follow one another");
            return entry + step;
        }

        private static long ReadOffset(byte[] image, long at) =>
            Check(image, BitConverter.ToInt64(image, Check(image, at, 8)), 1);

        private static uint ReadUInt32(byte[] image, long at) => BitConverter.ToUInt32(image, Check(image, at, 4));

        private static ushort ReadUInt16(byte[] image, long at) => BitConverter.ToUInt16(image, Check(image, at, 2));

        private static string ReadString(byte[] image, long at)
        {
            int start = Check(image, at, 1);
            int end = Array.IndexOf(image, (byte)0, start);
            return Encoding.ASCII.GetString(image, start, (end < 0 ? image.Length : end) - start);
        }

        private static int Check(byte[] image, long at, int size)
        {
            if (at < 0 || at > image.Length - size)
                throw new InvalidDataException("the ELF file is cut short");
            return (int)at;
        }
    }

#if !EBM_TESTS
    /// <summary>The msbuild side: edits files of an output folder, never the package cache behind a link.</summary>
    public sealed class WeakenElfVersion : Microsoft.Build.Utilities.Task
    {
        [Microsoft.Build.Framework.Required]
        public Microsoft.Build.Framework.ITaskItem[] Files { get; set; }

        [Microsoft.Build.Framework.Required]
        public string Version { get; set; }

        public override bool Execute()
        {
            foreach (Microsoft.Build.Framework.ITaskItem item in Files)
            {
                string path = item.GetMetadata("FullPath");
                byte[] image = File.ReadAllBytes(path);
                if (ElfVersionWeakener.Weaken(image, Version).Count == 0)
                    continue;
                // The file may be a symbolic or hard link into the package cache: write a new file in its place.
                string temporary = path + "." + Guid.NewGuid().ToString("N") + ".tmp";
                File.WriteAllBytes(temporary, image);
                File.Delete(path);
                File.Move(temporary, path);
                Log.LogMessage(Microsoft.Build.Framework.MessageImportance.Normal, "weakened " + Version + " in " + path);
            }
            return true;
        }
    }
#endif
}
