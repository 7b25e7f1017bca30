Console.WriteLine("ebm");
